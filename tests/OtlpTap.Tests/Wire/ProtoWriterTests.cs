using System.Buffers;
using Google.Protobuf;
using OtlpTap.Wire;

namespace OtlpTap.Tests.Wire;

public sealed class ProtoWriterTests
{
    [Fact]
    public void Varints_are_as_long_as_announced_and_as_the_protobuf_library_writes_them()
    {
        for (var bit = 0; bit < 64; bit++)
        {
            foreach (var value in new[] { (1ul << bit) - 1, 1ul << bit, (1ul << bit) + 1, ulong.MaxValue >> bit })
            {
                var buffer = new byte[ProtoWriter.VarintLengthMax];
                var length = ProtoWriter.WriteVarint(buffer, value);

                Assert.Equal(ProtoWriter.VarintLength(value), length);
                Assert.Equal(CodedOutputStream.ComputeUInt64Size(value), length);
                Assert.Equal(WireBytes.Varint(value), buffer[..length]);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(20_000)]
    public void A_length_delimited_field_is_as_long_as_announced_on_spans_and_buffer_writers(int length)
    {
        var value = new byte[length];
        Random.Shared.NextBytes(value);
        var expected = WireBytes.Field(16, value);
        var tag = ProtoWriter.TagOf(16, WireType.LengthDelimited);

        var buffer = new byte[ProtoWriter.LengthDelimitedLength(tag, length)];
        Assert.Equal(buffer.Length, ProtoWriter.WriteLengthDelimited(buffer, tag, value));
        Assert.Equal(expected, buffer);

        var writer = new ArrayBufferWriter<byte>();
        ProtoWriter.WriteLengthDelimited(writer, tag, value);
        Assert.Equal(expected, writer.WrittenSpan);
    }

    [Fact]
    public void Numbers_written_are_read_again()
    {
        var writer = new ArrayBufferWriter<byte>();
        ProtoWriter.WriteVarintField(writer, ProtoWriter.TagOf(1, WireType.Varint), ulong.MaxValue);
        ProtoWriter.WriteFixed64Field(writer, ProtoWriter.TagOf(2, WireType.Fixed64), 0x0102030405060708);
        ProtoWriter.WriteFixed32Field(writer, ProtoWriter.TagOf(3, WireType.Fixed32), 0x01020304);
        var reader = new ProtoReader(writer.WrittenSpan);

        Assert.True(reader.Next());
        Assert.Equal(ulong.MaxValue, reader.Varint);
        Assert.True(reader.Next());
        Assert.Equal(0x0102030405060708ul, reader.Fixed64);
        Assert.True(reader.Next());
        Assert.Equal(0x01020304u, reader.Fixed32);
        Assert.False(reader.Next() || reader.IsMalformed);
    }
}
