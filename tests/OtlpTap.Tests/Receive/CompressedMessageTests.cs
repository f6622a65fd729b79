using System.Buffers;
using OtlpTap.Buffers;
using OtlpTap.Receive;

namespace OtlpTap.Tests.Receive;

/// <summary>What holds for every compression; what only gzip has is in <see cref="GzipMessageTests"/>.</summary>
public sealed class CompressedMessageTests
{
    private const int Held = 1000;

    private readonly PayloadPool _payloads = new();
    private readonly ByteBudget _budget = new(16 << 20);

    public static TheoryData<Form> Forms => [.. Enum.GetValues<Form>()];

    public static TheoryData<Form, int> FormsAndLengths => [.. Enum.GetValues<Form>().SelectMany(form => new[] { 1, 2, 1023, 5000, 200_000, 3_000_000 }.Select(length => (form, length)))];

    [Theory]
    [MemberData(nameof(FormsAndLengths))]
    public void What_was_compressed_comes_out_with_credit_for_it(Form form, int length)
    {
        foreach (var message in new[] { Random(length), Text(length), new byte[length] })
        {
            using var arrival = Begin();

            Assert.Equal(InflateOutcome.Inflated, Inflate(form, Compressions.Compress(form, message), arrival));

            Assert.True(message.AsSpan().SequenceEqual(arrival.Payload!.Span));
            Assert.True(_budget.TakenBytes >= Held + length);
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void It_may_lie_in_many_blocks(Form form)
    {
        var message = Text(300_000);
        using var arrival = Begin();

        var compressed = InBlocks(Compressions.Compress(form, message), 777);
        var outcome = CompressedMessage.Inflate(CodingOf(form), compressed, arrival, Held, _payloads, 16 << 20);

        Assert.Equal(InflateOutcome.Inflated, outcome);
        Assert.True(message.AsSpan().SequenceEqual(arrival.Payload!.Span));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_bomb_is_refused_and_costs_no_more_than_the_limit(Form form)
    {
        var bomb = Compressions.Compress(form, new byte[8 << 20]);
        using (var arrival = Begin())
        {
            Assert.Equal(InflateOutcome.TooLarge, Inflate(form, bomb, arrival, lengthMax: 1 << 20));
        }

        // What it had is back in the pool: a payload of the limit at most, those on the way to it, and a copy of the bomb itself.
        Assert.InRange(_payloads.RetainedBytes, 0, (3 << 20) + bomb.Length);
        Assert.Equal(0, _budget.TakenBytes);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Exactly_the_limit_passes_and_one_byte_more_does_not(Form form)
    {
        foreach (var (length, expected) in new[] { (100_000, InflateOutcome.Inflated), (100_001, InflateOutcome.TooLarge) })
        {
            foreach (var message in new[] { new byte[length], Random(length) })
            {
                using var arrival = Begin();
                Assert.Equal(expected, Inflate(form, Compressions.Compress(form, message), arrival, lengthMax: 100_000));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Without_credit_it_is_refused_and_takes_no_memory(Form form)
    {
        Assert.True(_budget.TryTake((16 << 20) - Held - (400 << 10)));
        using (var arrival = Begin())
        {
            Assert.Equal(InflateOutcome.InFlightFull, Inflate(form, Compressions.Compress(form, new byte[4 << 20]), arrival));
            Assert.True((arrival.Payload?.Length ?? 0) <= 400 << 10);
        }

        Assert.Equal((16 << 20) - Held - (400 << 10), _budget.TakenBytes);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Every_truncation_is_refused(Form form)
    {
        var message = Text(3000);
        var compressed = Compressions.Compress(form, message);

        // A second member or frame left out is no truncation that can be seen; neither is a chunk of a stream.
        var ends = form switch
        {
            Form.GzipOfTwoMembers => [Compressions.Compress(Form.Gzip, message[..1500]).Length],
            Form.ZstdOfTwoFrames => [Compressions.Compress(Form.Zstd, message[..1500]).Length],
            Form.SnappyStream or Form.SnappyStreamByItsOwnName => [10],
            _ => Array.Empty<int>(),
        };
        for (var length = 0; length < compressed.Length; length++)
        {
            using var arrival = Begin();
            var outcome = Inflate(form, compressed[..length], arrival);
            Assert.Equal((length, Array.IndexOf(ends, length) >= 0), (length, outcome == InflateOutcome.Inflated));
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void What_stands_behind_the_end_is_refused(Form form)
    {
        // One byte behind a gzip member might begin another, and .NET leaves it; what was decompressed is whole all the same.
        var compressed = Compressions.Compress(form, Text(3000));
        var lengthMin = form is Form.Gzip or Form.GzipOfTwoMembers ? 2 : 1;
        foreach (byte[] garbage in (byte[][])[[0], [1], [0x1f], [7, 7], [0x1f, 0x8b], new byte[100], [.. Enumerable.Repeat((byte)0x42, 100)], compressed[^4..], compressed[^1..]])
        {
            using var arrival = Begin();
            if (garbage.Length >= lengthMin)
            {
                Assert.NotEqual(InflateOutcome.Inflated, Inflate(form, [.. compressed, .. garbage], arrival));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void No_changed_byte_throws_or_costs_more_than_it_has_credit_for(Form form)
    {
        foreach (var message in new[] { Text(2000), Random(150) })
        {
            var compressed = Compressions.Compress(form, message);
            for (var i = 0; i < compressed.Length * 8; i++)
            {
                var changed = (byte[])compressed.Clone();
                changed[i / 8] ^= (byte)(1 << (i % 8));
                using (var arrival = Begin())
                {
                    Inflate(form, changed, arrival);
                    Assert.True(_budget.TakenBytes >= Held + (arrival.Payload?.Length ?? 0));
                }

                Assert.Equal(0, _budget.TakenBytes);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void No_noise_throws(Form form)
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var noise = Random(seed % 300, seed);
            var start = Compressions.Compress(form, Text(100));
            start.AsSpan(0, Math.Min(start.Length, seed % 12)).TryCopyTo(noise);
            using (var arrival = Begin())
            {
                Inflate(form, noise, arrival);
            }

            Assert.Equal(0, _budget.TakenBytes);
        }
    }

    [Fact]
    public void A_zstd_header_that_asks_for_gigabytes_gets_none()
    {
        // Magic, descriptor without anything, window descriptor for 2 GiB, an empty last block.
        byte[] empty = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
        using var arrival = Begin();
        Assert.Equal(InflateOutcome.Inflated, Inflate(Form.Zstd, empty, arrival));
        Assert.Equal(0, arrival.Payload!.Length);

        // The same with a content of 2^40 bytes, of which there is one.
        byte[] lying = [0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0xa8, 0, 0, 0, 0, 0, 1, 0, 0, 0x09, 0x00, 0x00, 0x42];
        using var second = Begin();
        Assert.NotEqual(InflateOutcome.Inflated, Inflate(Form.Zstd, lying, second));
        Assert.InRange(_payloads.RetainedBytes, 0, 17 << 20);
    }

    [Fact]
    public void A_snappy_block_that_claims_more_than_it_can_hold_gets_no_memory()
    {
        // 4 GiB less one byte, and a literal of one byte.
        using var arrival = Begin();
        Assert.Equal(InflateOutcome.Malformed, Inflate(Form.Snappy, [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x42], arrival));
        Assert.Null(arrival.Payload);
    }

    [Fact]
    public void Chunks_of_a_snappy_stream_that_mean_nothing_are_passed_over()
    {
        var stream = Compressions.Compress(Form.SnappyStream, Text(300));
        byte[] magic = stream[..10];
        byte[] with = [.. magic, 0xfe, 3, 0, 0, 1, 2, 3, .. stream[10..], 0x80, 0, 0, 0, .. magic];
        using var arrival = Begin();

        Assert.Equal(InflateOutcome.Inflated, Inflate(Form.SnappyStream, with, arrival));
        Assert.Equal(Text(300), arrival.Payload!.Span.ToArray());

        using var reserved = Begin();
        Assert.Equal(InflateOutcome.Malformed, Inflate(Form.SnappyStream, [.. stream, 0x02, 0, 0, 0], reserved));
    }

    [Fact]
    public void The_compressed_form_is_kept_where_there_is_credit_for_both()
    {
        var message = Text(5000);
        var gzip = Compressions.Compress(Form.Gzip, message);
        foreach (var hasRoom in new[] { true, false })
        {
            using (var arrival = Begin())
            {
                Assert.Equal(InflateOutcome.Inflated, Inflate(Form.Gzip, gzip, arrival));
                var others = hasRoom ? 0 : _budget.LimitBytes - _budget.TakenBytes - 10;
                Assert.True(_budget.TryTake(others));

                CompressedMessage.Keep(new ReadOnlySequence<byte>(gzip), arrival, Held, _payloads);

                Assert.Equal(hasRoom ? gzip : null, arrival.Payload!.Gzip?.Span.ToArray());
                _budget.Return(others);
                Assert.Equal(Held + message.Length + (hasRoom ? gzip.Length : 0), _budget.TakenBytes);
            }

            Assert.Equal(0, _budget.TakenBytes);
        }
    }

    private static ContentCoding CodingOf(Form form)
    {
        Assert.True(ContentCodings.TryFind(Compressions.NameOf(form), new HttpReceiveOptions().Encodings, out var coding));
        return coding;
    }

    private Arrival Begin()
    {
        var arrival = new Arrival(_budget);
        Assert.True(arrival.TryHold(Held));
        return arrival;
    }

    private InflateOutcome Inflate(Form form, byte[] compressed, Arrival arrival, int lengthMax = 16 << 20) =>
        CompressedMessage.Inflate(CodingOf(form), new ReadOnlySequence<byte>(compressed), arrival, Held, _payloads, lengthMax);

    private static ReadOnlySequence<byte> InBlocks(byte[] bytes, int size)
    {
        var first = new Block(bytes.AsMemory(0, Math.Min(size, bytes.Length)), null);
        var last = first;
        for (var i = size; i < bytes.Length; i += size)
        {
            last = new Block(bytes.AsMemory(i, Math.Min(size, bytes.Length - i)), last);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private static byte[] Random(int length, int seed = 7)
    {
        var bytes = new byte[length];
        new Random(seed + length).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Text(int length)
    {
        var random = new Random(length);
        string[] words = ["gen_ai.operation.name", "execute_tool", "service.name", "agent", "chat", "shop.amount_cents", "x"];
        var bytes = new byte[length];
        for (var i = 0; i < length;)
        {
            foreach (var letter in words[random.Next(words.Length)].Take(length - i))
            {
                bytes[i++] = (byte)letter;
            }
        }

        return bytes;
    }

    private sealed class Block : ReadOnlySequenceSegment<byte>
    {
        public Block(ReadOnlyMemory<byte> memory, Block? previous)
        {
            Memory = memory;
            if (previous is not null)
            {
                RunningIndex = previous.RunningIndex + previous.Memory.Length;
                previous.Next = this;
            }
        }
    }
}
