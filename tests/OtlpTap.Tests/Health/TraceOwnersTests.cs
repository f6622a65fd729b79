using OtlpTap.Health.Steps;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Health;

public sealed class TraceOwnersTests
{
    private readonly TraceOwners _owners = new();

    [Fact]
    public void A_name_is_kept_once_however_many_traces_have_it()
    {
        for (ulong i = 1; i <= 1000; i++)
        {
            _owners.Tell(Trace(i), new TraceOwner(new string("shop"), new string("planner")));
        }

        Assert.InRange(_owners.NameBytes, 1, 300);
        Assert.True(_owners.TryFind(Trace(1), out var first));
        Assert.True(_owners.TryFind(Trace(1000), out var last));
        Assert.Same(first.Agent, last.Agent);
    }

    /// <summary>As many traces as there are places for, each with names of the greatest length that no other has.</summary>
    [Fact]
    public void Ever_new_names_have_a_bound_and_the_newest_is_known()
    {
        for (ulong i = 1; i <= TraceOwners.TracesMax; i++)
        {
            var name = $"{i}".PadLeft(KnownNames.LengthMax, 'x');
            _owners.Tell(Trace(i), new TraceOwner($"s{name}", $"a{name}"));

            Assert.InRange(_owners.NameBytes, 1, TraceOwners.NameBytesMax + 2048);
            Assert.True(_owners.TryFind(Trace(i), out var owner));
            Assert.Equal($"a{name}", owner.Agent);
        }

        Assert.False(_owners.TryFind(Trace(1), out _));
    }

    private static TraceId Trace(ulong number)
    {
        Assert.True(TraceId.TryRead([.. BitConverter.GetBytes(number * 0x9e3779b97f4a7c15), .. BitConverter.GetBytes(number)], out var id));
        return id;
    }
}
