using System.Diagnostics;
using OtlpTap.Client;

namespace OtlpTap.Tests.Client;

using Advice = OtlpTap.Client.Advice;

/// <summary>What is read where an agent decides: the answer, and what it costs.</summary>
public sealed class AdviceReaderTests
{
    private static readonly Advice Reroute = Item("tool-failing", "reroute", tool: "search", parameters: ("fallback_tool", "search_backup"));
    private static readonly Advice AskUser = Item("unhappy", "ask_user");
    private static readonly Advice SmallerModel = Item("slow-model", "reroute", model: "gpt-5", parameters: ("fallback_model", "gpt-5-mini"));

    private readonly AdviceReader _reader = new();

    public AdviceReaderTests() => Publish(0, Reroute, AskUser, SmallerModel);

    [Theory]
    [InlineData(null, null, "tool-failing unhappy slow-model")]
    [InlineData("search", null, "tool-failing unhappy slow-model")]
    [InlineData("search", "gpt-4", "tool-failing unhappy")]
    [InlineData("pay", "gpt-5", "unhappy slow-model")]
    [InlineData("pay", "gpt-4", "unhappy")]
    [InlineData("", "", "tool-failing unhappy slow-model")]
    public void A_tool_and_a_model_are_told_what_concerns_them(string? tool, string? model, string policies)
    {
        var policiesOfSet = new List<string>();
        foreach (var advice in _reader.For(tool, model))
        {
            policiesOfSet.Add(advice.Policy);
        }

        Assert.Equal(policies, string.Join(' ', policiesOfSet));
        Assert.Equal(policiesOfSet, _reader.For(tool, model).Select(advice => advice.Policy));
        Assert.False(_reader.For(tool, model).IsEmpty);
    }

    [Fact]
    public void The_first_advice_to_do_something_is_found()
    {
        Assert.True(_reader.TryGet("reroute", "search", out var advice));
        Assert.Equal(("search_backup", null, "reroute (tool-failing)"), (advice["fallback_tool"], advice["nothing"], advice.ToString()));

        Assert.True(_reader.TryGet("reroute", "pay", out var anyModel));
        Assert.Same(SmallerModel, anyModel);
        Assert.False(_reader.TryGet("reroute", "pay", "gpt-4", out var none));
        Assert.Null(none);
        Assert.True(_reader.TryGet("ask_user", out _));
        Assert.False(_reader.TryGet("human_review", out _));
    }

    [Fact]
    public void Without_a_tap_there_is_none()
    {
        var reader = new AdviceReader();

        Assert.True(reader.For("search").IsEmpty);
        Assert.Empty(reader.For());
        Assert.Empty(default(AdviceSet));
        Assert.False(reader.TryGet("reroute", "search", out _));
        Assert.False(reader.IsHeldOut);
    }

    [Fact]
    public void The_trace_of_the_current_activity_decides_whether_it_is_held_out_as_the_tap_does()
    {
        Publish(0.5, AskUser);
        var seen = new HashSet<bool>();
        for (var i = 0; i < 200; i++)
        {
            using var activity = new Activity("run").SetIdFormat(ActivityIdFormat.W3C).Start();
            Assert.True(OtlpTap.Otlp.TraceId.TryParse(activity.TraceId.ToHexString(), out var id));
            var isHeldOut = OtlpTap.Advice.Holdout.Has(id, 0.5);

            Assert.Equal(isHeldOut, _reader.IsHeldOut);
            Assert.Equal(isHeldOut, _reader.For().IsEmpty);
            Assert.Equal(!isHeldOut, _reader.TryGet("ask_user", out _));
            seen.Add(isHeldOut);
        }

        Assert.Equal(2, seen.Count);
        Assert.False(_reader.IsHeldOut); // outside of an activity
        Assert.False(_reader.For().IsEmpty);
    }

    [Fact]
    public void All_traces_are_held_out_of_all_and_none_of_none()
    {
        using var activity = new Activity("run").SetIdFormat(ActivityIdFormat.W3C).Start();

        Publish(1, AskUser);
        Assert.True(_reader.For().IsEmpty);
        Publish(0, AskUser);
        Assert.False(_reader.For().IsEmpty);
    }

    [Fact]
    public void Reading_allocates_nothing()
    {
        Publish(0.000001, Reroute, AskUser);
        using var activity = new Activity("run").SetIdFormat(ActivityIdFormat.W3C).Start();
        var found = 0;
        Read();
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1000; i++)
        {
            Read();
        }

        Assert.Equal((0, 2002), (GC.GetAllocatedBytesForCurrentThread() - before, found));

        void Read()
        {
            found += _reader.TryGet("reroute", "search", out _) ? 1 : 0;
            foreach (var advice in _reader.For("pay"))
            {
                found += advice.Action == "ask_user" ? 1 : 0;
            }
        }
    }

    private void Publish(double holdout, params Advice[] items) => _reader.Publish(new AdviceIndex(1, holdout, items));

    private static Advice Item(string policy, string action, string tool = "", string model = "", params (string Name, string Value)[] parameters) => new()
    {
        Id = policy,
        Policy = policy,
        Action = action,
        Tool = tool,
        Model = model,
        Parameters = parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value),
        Reason = "",
        Values = new Dictionary<string, double>(),
    };
}
