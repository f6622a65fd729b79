using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Otlp;

public sealed class StatusDetailsTests
{
    [Fact]
    public void RetryInfo_has_the_bytes_of_its_messages()
    {
        var status = StatusDetails.RetryInfo(StatusCode.Unavailable, "busy", TimeSpan.FromMilliseconds(1500));

        Assert.Equal(
            [
                0x08, 14, // code: UNAVAILABLE
                0x12, 4, .. "busy"u8, // message
                0x1A, 54, // details[0]: Any
                0x0A, 40, .. "type.googleapis.com/google.rpc.RetryInfo"u8, // type_url
                0x12, 10, // value: RetryInfo
                0x0A, 8, // retry_delay: Duration
                0x08, 1, // seconds
                0x10, 0x80, 0xCA, 0xB5, 0xEE, 0x01, // nanos: 500,000,000
            ],
            status);
    }

    [Fact]
    public void BadRequest_reads_back_field_by_field_with_the_protobuf_library()
    {
        var status = StatusDetails.BadRequest(StatusCode.InvalidArgument, "not a request", "resource_spans[2]", "cut off – at byte 7");

        var fields = Fields(status);
        Assert.Equal(3, fields.Count);
        Assert.Equal((ulong)StatusCode.InvalidArgument, fields[1].Number);
        Assert.Equal("not a request", fields[2].Bytes.ToStringUtf8());

        var any = Any.Parser.ParseFrom(fields[3].Bytes);
        Assert.Equal("type.googleapis.com/google.rpc.BadRequest", any.TypeUrl);
        var violation = Fields(Fields(any.Value.ToByteArray())[1].Bytes.ToByteArray());
        Assert.Equal("resource_spans[2]", violation[1].Bytes.ToStringUtf8());
        Assert.Equal("cut off – at byte 7", violation[2].Bytes.ToStringUtf8());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(10_000_000)]
    [InlineData(12_345_678_901)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    public void A_delay_that_was_written_reads_back_and_one_below_zero_is_zero(long ticks)
    {
        var status = StatusDetails.RetryInfo(StatusCode.Unavailable, "", TimeSpan.FromTicks(ticks));

        Assert.True(StatusDetails.TryReadRetryDelay(status, out var delay));
        Assert.Equal(Math.Max(0, ticks), delay.Ticks);
    }

    [Fact]
    public void RetryInfo_is_found_among_other_details()
    {
        var status = Status(Detail("google.rpc.DebugInfo", []), Detail("google.rpc.RetryInfo", Delay(2, 0)), Detail("google.rpc.Help", []));

        Assert.True(StatusDetails.TryReadRetryDelay(status, out var delay));
        Assert.Equal(TimeSpan.FromSeconds(2), delay);
    }

    [Fact]
    public void RetryInfo_without_a_delay_asks_to_try_again_at_once()
    {
        Assert.True(StatusDetails.TryReadRetryDelay(Status(Detail("google.rpc.RetryInfo", [])), out var delay));
        Assert.Equal(TimeSpan.Zero, delay);
    }

    [Theory]
    [InlineData(long.MaxValue, 0, StatusDetails.DelaySecondsMax)]
    [InlineData(long.MinValue, 999_999_999, 0)]
    [InlineData(-5, 0, 0)]
    [InlineData(0, int.MinValue, 0)]
    public void A_delay_out_of_the_range_of_durations_is_taken_for_the_nearest(long seconds, int nanos, long expectedSeconds)
    {
        Assert.True(StatusDetails.TryReadRetryDelay(Status(Detail("google.rpc.RetryInfo", Delay(seconds, nanos))), out var delay));
        Assert.Equal(TimeSpan.FromSeconds(expectedSeconds), delay);
    }

    [Fact]
    public void A_status_without_RetryInfo_asks_nobody_to_try_again()
    {
        Assert.False(StatusDetails.TryReadRetryDelay([], out _));
        Assert.False(StatusDetails.TryReadRetryDelay(StatusDetails.BadRequest(StatusCode.InvalidArgument, "m", "f", "d"), out _));
        Assert.False(StatusDetails.TryReadRetryDelay(Status(Detail("google.rpc.NotRetryInfo", Delay(1, 0))), out _));
    }

    [Fact]
    public void A_status_that_is_cut_off_asks_nobody_to_try_again()
    {
        var status = StatusDetails.RetryInfo(StatusCode.Unavailable, "busy", TimeSpan.FromSeconds(1));

        for (var length = 0; length < status.Length; length++)
        {
            Assert.False(StatusDetails.TryReadRetryDelay(status.AsSpan(0, length), out _), $"cut at {length}");
        }
    }

    [Fact]
    public void No_mutation_of_a_status_throws()
    {
        var status = StatusDetails.RetryInfo(StatusCode.Unavailable, "busy", TimeSpan.FromSeconds(1));
        for (var at = 0; at < status.Length; at++)
        {
            for (var value = 0; value < 256; value++)
            {
                var mutated = (byte[])status.Clone();
                mutated[at] = (byte)value;
                if (StatusDetails.TryReadRetryDelay(mutated, out var delay))
                {
                    Assert.InRange(delay, TimeSpan.Zero, TimeSpan.FromSeconds(StatusDetails.DelaySecondsMax + 3));
                }
            }
        }
    }

    [Theory]
    [InlineData("b", "Yg")]
    [InlineData("bu", "YnU")]
    [InlineData("bus", "YnVz")]
    [InlineData("", "")]
    public void A_trailer_is_base64_without_padding_and_reads_back_with_it_or_without(string text, string value)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);

        Assert.Equal(new ReplyTrailer("grpc-status-details-bin", value), StatusDetails.Trailer(bytes));
        Assert.True(StatusDetails.TryReadTrailer(value, out var unpadded));
        Assert.Equal(bytes, unpadded);
        Assert.True(StatusDetails.TryReadTrailer(Convert.ToBase64String(bytes), out var padded));
        Assert.Equal(bytes, padded);
    }

    [Theory]
    [InlineData("Y")]
    [InlineData("Y!==")]
    [InlineData("Yg=a")]
    [InlineData("é")]
    public void A_trailer_that_is_not_base64_is_refused(string value) => Assert.False(StatusDetails.TryReadTrailer(value, out _));

    [Fact]
    public void A_trailer_longer_than_any_real_one_is_refused() => Assert.False(StatusDetails.TryReadTrailer(new string('A', 65_540), out _));

    private static byte[] Status(params Any[] details)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(1, WireFormat.WireType.Varint);
            output.WriteInt32((int)StatusCode.Unavailable);
            foreach (var detail in details)
            {
                output.WriteTag(3, WireFormat.WireType.LengthDelimited);
                output.WriteMessage(detail);
            }
        }

        return stream.ToArray();
    }

    private static Any Detail(string type, byte[] value) => new() { TypeUrl = "type.googleapis.com/" + type, Value = ByteString.CopyFrom(value) };

    private static byte[] Delay(long seconds, int nanos)
    {
        var duration = new Duration { Seconds = seconds, Nanos = nanos }.ToByteArray();
        return [0x0A, (byte)duration.Length, .. duration];
    }

    private static Dictionary<int, (ulong Number, ByteString Bytes)> Fields(byte[] message)
    {
        var fields = new Dictionary<int, (ulong Number, ByteString Bytes)>();
        using var input = new CodedInputStream(message);
        while (input.ReadTag() is not 0 and var tag)
        {
            fields.Add(
                WireFormat.GetTagFieldNumber(tag),
                WireFormat.GetTagWireType(tag) == WireFormat.WireType.Varint ? (input.ReadUInt64(), ByteString.Empty) : (0, input.ReadBytes()));
        }

        return fields;
    }
}
