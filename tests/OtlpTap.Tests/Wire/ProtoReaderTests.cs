using Google.Protobuf;
using OtlpTap.Wire;
using static OtlpTap.Tests.WireBytes;

namespace OtlpTap.Tests.Wire;

public sealed class ProtoReaderTests
{
    [Fact]
    public void Fields_of_every_wire_type_are_read_in_order()
    {
        byte[] bytes =
        [
            0x08, 0x96, 0x01,                                           // 1: varint 150
            0x11, 1, 0, 0, 0, 0, 0, 0, 0x80,                            // 2: fixed64
            0x1A, 0x03, (byte)'a', (byte)'b', (byte)'c',                // 3: "abc"
            0x25, 0xFF, 0xFF, 0xFF, 0xFF,                               // 4: fixed32
            0x2B, 0x08, 0x01, 0x2C,                                     // 5: group with 1: 1
            0xF2, 0xFF, 0xFF, 0xFF, 0x0F, 0x00,                         // 2^29 - 2: "" (a tag of 5 bytes)
        ];
        var reader = new ProtoReader(bytes);

        Assert.True(reader.Next());
        Assert.Equal((1, WireType.Varint, 150ul), (reader.FieldNumber, reader.WireType, reader.Varint));
        Assert.True(reader.Next());
        Assert.Equal((2, WireType.Fixed64, 0x8000_0000_0000_0001ul), (reader.FieldNumber, reader.WireType, reader.Fixed64));
        Assert.True(reader.Next());
        Assert.Equal((3, WireType.LengthDelimited, 3), (reader.FieldNumber, reader.WireType, reader.ValueLength));
        Assert.True(reader.Value.SequenceEqual("abc"u8));
        Assert.True(reader.Next());
        Assert.Equal((4, WireType.Fixed32, uint.MaxValue), (reader.FieldNumber, reader.WireType, reader.Fixed32));
        Assert.True(reader.Next());
        Assert.Equal((5, WireType.StartGroup), (reader.FieldNumber, reader.WireType));
        Assert.True(reader.Next());
        Assert.Equal(((1 << 29) - 2, 0, bytes.Length), (reader.FieldNumber, reader.ValueLength, reader.ValueEnd));
        Assert.False(reader.Next());
        Assert.False(reader.IsMalformed);
        Assert.False(reader.Next());
    }

    [Fact]
    public void Offsets_count_from_the_outermost_message()
    {
        var bytes = Field(1, Field(2, "abc"), Field(3, "d"));
        var outer = new ProtoReader(bytes);
        Assert.True(outer.Next());
        var inner = new ProtoReader(bytes, outer.ValueOffset, outer.ValueEnd);

        Assert.True(inner.Next());
        Assert.Equal((2, 4, 7), (inner.FieldOffset, inner.ValueOffset, inner.ValueEnd));
        Assert.True(inner.Next());
        Assert.Equal((7, 9, 10), (inner.FieldOffset, inner.ValueOffset, inner.ValueEnd));
        Assert.False(inner.Next());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(16_383)]
    [InlineData(16_384)]
    [InlineData(2_097_151)]
    [InlineData(2_097_152)]
    public void A_length_may_take_any_number_of_bytes(int length)
    {
        for (var size = Varint((ulong)length).Length; size <= 10; size++)
        {
            var reader = new ProtoReader(PaddedField(2, size, new byte[length]));

            Assert.True(reader.Next());
            Assert.Equal((length, 1 + size), (reader.ValueLength, reader.ValueOffset));
            Assert.False(reader.Next() || reader.IsMalformed);
        }
    }

    [Theory]
    [InlineData("80", WireErrorKind.TagTruncated, 0)]
    [InlineData("08 01 88", WireErrorKind.TagTruncated, 2)]
    [InlineData("F8 FF FF FF FF 01 00", WireErrorKind.TagTooLarge, 0)]
    [InlineData("80 80 80 80 80 80 80 80 80 80 01", WireErrorKind.VarintTooLong, 0)]
    [InlineData("00 01", WireErrorKind.FieldNumberZero, 0)]
    [InlineData("02 00", WireErrorKind.FieldNumberZero, 0)]
    [InlineData("82 00 00", WireErrorKind.FieldNumberZero, 0)]
    [InlineData("08 01 0E", WireErrorKind.WireTypeUnknown, 2)]
    [InlineData("0F", WireErrorKind.WireTypeUnknown, 0)]
    [InlineData("08", WireErrorKind.VarintTruncated, 1)]
    [InlineData("08 80 80", WireErrorKind.VarintTruncated, 1)]
    [InlineData("08 80 80 80 80 80 80 80 80 80 80 01", WireErrorKind.VarintTooLong, 1)]
    [InlineData("0A", WireErrorKind.VarintTruncated, 1)]
    [InlineData("0A 80", WireErrorKind.VarintTruncated, 1)]
    [InlineData("0A 01", WireErrorKind.LengthPastEnd, 1)]
    [InlineData("0A 02 61", WireErrorKind.LengthPastEnd, 1)]
    [InlineData("0A FF FF FF FF 07", WireErrorKind.LengthPastEnd, 1)]
    [InlineData("0A FF FF FF FF 0F", WireErrorKind.LengthPastEnd, 1)]
    [InlineData("0A FF FF FF FF FF FF FF FF FF 01", WireErrorKind.LengthPastEnd, 1)]
    [InlineData("0A 81 80 80 80 10 61", WireErrorKind.LengthPastEnd, 1)]
    [InlineData("09 00 00 00 00 00 00 00", WireErrorKind.FixedTruncated, 1)]
    [InlineData("0D 00 00 00", WireErrorKind.FixedTruncated, 1)]
    [InlineData("0C", WireErrorKind.GroupEndUnexpected, 0)]
    [InlineData("0B 14", WireErrorKind.GroupEndUnexpected, 1)]
    [InlineData("0B 13 0C 14", WireErrorKind.GroupEndUnexpected, 2)]
    [InlineData("0B 08 01", WireErrorKind.GroupUnclosed, 3)]
    [InlineData("0B 12 05 00", WireErrorKind.LengthPastEnd, 2)]
    public void Malformed_bytes_end_the_walk_with_their_cause_and_place(string hex, object kind, int offset)
    {
        var reader = new ProtoReader(Bytes(hex));
        while (reader.Next())
        {
        }

        Assert.Equal(new WireError((WireErrorKind)kind, offset), reader.Error);
        Assert.False(reader.Next());
        Assert.Equal(new WireError((WireErrorKind)kind, offset), reader.Error);
    }

    [Fact]
    public void Groups_are_passed_over_up_to_a_depth()
    {
        Assert.Equal(WireErrorKind.None, WalkToError(Nested(ProtoReader.GroupDepthMax)));
        Assert.Equal(WireErrorKind.GroupTooDeep, WalkToError(Nested(ProtoReader.GroupDepthMax + 1)));
        Assert.Equal(WireErrorKind.GroupTooDeep, WalkToError([.. Enumerable.Repeat((byte)0x0B, 1_000_000)]));

        static byte[] Nested(int depth) => [.. Enumerable.Repeat((byte)0x0B, depth), .. Enumerable.Repeat((byte)0x0C, depth)];
    }

    [Fact]
    public void Numbers_are_read_as_the_protobuf_library_writes_them()
    {
        ulong[] numbers = [0, 1, 127, 128, 300, uint.MaxValue, long.MaxValue, ulong.MaxValue];
        using var stream = new MemoryStream();
        using var output = new CodedOutputStream(stream);
        foreach (var number in numbers)
        {
            output.WriteTag(16, WireFormat.WireType.Varint);
            output.WriteUInt64(number);
        }

        output.Flush();
        var reader = new ProtoReader(stream.ToArray());
        foreach (var number in numbers)
        {
            Assert.True(reader.Next());
            Assert.Equal((16, number), (reader.FieldNumber, reader.Varint));
        }

        Assert.False(reader.Next());
    }

    [Fact]
    public void Short_messages_of_all_kinds_are_judged_as_the_protobuf_library_judges_it()
    {
        var bytes = new byte[3];
        for (var length = 0; length <= 3; length++)
        {
            for (var number = 0; number < 1 << (8 * length); number += length < 3 ? 1 : 251)
            {
                (bytes[0], bytes[1], bytes[2]) = ((byte)number, (byte)(number >> 8), (byte)(number >> 16));
                var message = bytes.AsSpan(0, length);

                Assert.True(IsAcceptedByTheLibrary(message) == (WalkToError(message) == WireErrorKind.None), Convert.ToHexString(message));
            }
        }
    }

    [Fact]
    public void What_surrounds_a_message_does_not_matter()
    {
        var message = Join(Field(1, "abc"), VarintField(2, 300), Field(3, new byte[200]), Group(4, VarintField(1, 1)));
        for (var cut = 0; cut <= message.Length; cut++)
        {
            var alone = WalkToError(message.AsSpan(0, cut).ToArray());
            foreach (var filler in new byte[] { 0x00, 0x01, 0x7F, 0x80, 0xFF })
            {
                byte[] surrounded = [.. Enumerable.Repeat(filler, 16), .. message[..cut], .. Enumerable.Repeat(filler, 16)];
                Assert.Equal(alone, WalkToError(surrounded.AsSpan(16, cut)));

                var inner = new ProtoReader(surrounded, 16, 16 + cut);
                while (inner.Next())
                {
                }

                Assert.Equal(alone, inner.Error.Kind);
            }
        }
    }

    private static WireErrorKind WalkToError(ReadOnlySpan<byte> message)
    {
        var reader = new ProtoReader(message);
        while (reader.Next())
        {
            _ = reader.WireType switch
            {
                WireType.Varint => reader.Varint,
                WireType.Fixed64 => reader.Fixed64,
                WireType.Fixed32 => reader.Fixed32,
                _ => (ulong)reader.Value.Length,
            };
        }

        return reader.Error.Kind;
    }

    // An empty message: to it, every field is unknown. Its parser throws for what it refuses; skipping field by field does too.
    private static bool IsAcceptedByTheLibrary(ReadOnlySpan<byte> message)
    {
        try
        {
            Google.Protobuf.WellKnownTypes.Empty.Parser.ParseFrom(message);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
