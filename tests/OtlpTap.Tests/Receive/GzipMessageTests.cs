using System.Buffers;
using System.IO.Compression;
using OtlpTap.Buffers;
using OtlpTap.Receive;

namespace OtlpTap.Tests.Receive;

public sealed class GzipMessageTests
{
    private const int Held = 1000;

    private readonly PayloadPool _payloads = new();
    private readonly ByteBudget _budget = new(1 << 20);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5000)]
    [InlineData(500_000)]
    public void What_was_compressed_comes_out_with_credit_for_its_length(int length)
    {
        var message = Message(length);
        using var arrival = Begin();

        Assert.Equal(InflateOutcome.Inflated, Inflate(Gzip(message), arrival));

        Assert.Equal(message, arrival.Payload!.Span.ToArray());
        Assert.Equal(Held + length, _budget.TakenBytes);
    }

    [Fact]
    public void Credit_comes_before_memory()
    {
        Assert.True(_budget.TryTake(1 << 19));
        using var arrival = Begin();

        Assert.Equal(InflateOutcome.InFlightFull, Inflate(Gzip(new byte[1 << 20]), arrival));

        Assert.Null(arrival.Payload);
        Assert.Equal((1 << 19) + Held, _budget.TakenBytes);
    }

    [Fact]
    public void More_than_a_message_may_have_is_refused_by_what_its_end_says()
    {
        using var arrival = Begin();

        Assert.Equal(InflateOutcome.TooLarge, Inflate(Gzip(new byte[10_001]), arrival, lengthMax: 10_000));
        Assert.Null(arrival.Payload);
    }

    [Fact]
    public void Several_members_are_one_message()
    {
        byte[][] members = [Message(3000), Message(40_000), Message(10), []];
        using var arrival = Begin();

        Assert.Equal(InflateOutcome.Inflated, Inflate([.. members.SelectMany(Gzip)], arrival));

        Assert.Equal(members.SelectMany(member => member), arrival.Payload!.Span.ToArray());
        Assert.Equal(Held + 43_010, _budget.TakenBytes);
    }

    [Fact]
    public void A_small_last_member_does_not_hide_a_large_first_one()
    {
        byte[] bomb = [.. Gzip(new byte[600_000]), .. Gzip([])];
        using var small = Begin();
        Assert.Equal(InflateOutcome.TooLarge, Inflate(bomb, small, lengthMax: 500_000));

        Assert.True(_budget.TryTake(400_000));
        using var full = Begin();
        Assert.Equal(InflateOutcome.InFlightFull, Inflate(bomb, full));
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        var compressed = Gzip(Message(400));
        for (var length = 0; length < compressed.Length; length++)
        {
            using var arrival = Begin();
            Assert.NotEqual(InflateOutcome.Inflated, Inflate(compressed[..length], arrival));
        }
    }

    [Fact]
    public void No_changed_byte_throws_or_costs_more_than_it_has_credit_for()
    {
        var compressed = Gzip(Message(400));
        for (var i = 0; i < compressed.Length * 8; i++)
        {
            var changed = (byte[])compressed.Clone();
            changed[i / 8] ^= (byte)(1 << (i % 8));
            using (var arrival = Begin())
            {
                Inflate(changed, arrival);
                Assert.True(_budget.TakenBytes >= Held + (arrival.Payload?.Length ?? 0));
            }

            Assert.Equal(0, _budget.TakenBytes);
        }
    }

    [Fact]
    public void Everything_held_comes_back_with_the_arrival()
    {
        foreach (var lengthMax in new[] { 1 << 20, 50_000, 10 })
        {
            using (var arrival = Begin())
            {
                Inflate([.. Gzip(Message(3000)), .. Gzip(Message(90_000)), .. Gzip(Message(7))], arrival, lengthMax);
            }

            Assert.Equal(0, _budget.TakenBytes);
        }
    }

    private Arrival Begin()
    {
        var arrival = new Arrival(_budget);
        Assert.True(arrival.TryHold(Held));
        return arrival;
    }

    private InflateOutcome Inflate(byte[] compressed, Arrival arrival, int lengthMax = 1 << 20) =>
        GzipMessage.Inflate(new ReadOnlySequence<byte>(compressed), arrival, Held, _payloads, lengthMax);

    private static byte[] Message(int length)
    {
        var message = new byte[length];
        new Random(length).NextBytes(message);
        return message;
    }

    private static byte[] Gzip(byte[] bytes)
    {
        // .NET writes nothing at all for nothing; others write a member.
        if (bytes.Length == 0)
        {
            return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        }

        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(bytes);
        }

        return buffer.ToArray();
    }
}
