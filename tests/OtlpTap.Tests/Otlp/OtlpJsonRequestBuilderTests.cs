using System.Buffers;
using System.Text;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Otlp;

public sealed class OtlpJsonRequestBuilderTests
{
    private static readonly byte[] Json = Encoding.UTF8.GetBytes($$"""{"resourceSpans":[{{string.Join(',', Enumerable.Repeat("""{"schemaUrl":"s","scopeSpans":[{}]}""", 3000))}}]}""");

    [Fact]
    public void Small_messages_hold_no_more_than_they_come_to()
    {
        var json = System.Text.Encoding.UTF8.GetBytes($$"""{"resourceSpans":[{{string.Join(',', Enumerable.Repeat("{\"resource\":{}},{}", 100_000))}}]}""");
        var builder = new OtlpJsonRequestBuilder(json.Length, int.MaxValue);

        Assert.True(OtlpJson.TryRead(Signal.Traces, json, builder, out _));

        Assert.Equal(100_000 * (4 + 2), builder.Length);
        Assert.InRange(builder.HeldBytes, builder.Length, json.Length);
    }

    [Theory]
    [InlineData(126)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(129)]
    public void Lengths_around_what_one_byte_holds_are_right_at_every_depth(int length)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        var json = System.Text.Encoding.UTF8.GetBytes($$$"""{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":{"arrayValue":{"values":[{"stringValue":"{{{new string('x', length)}}}"},{},{"stringValue":"{{{new string('y', length - 4)}}}"} ] } } } ]},"schemaUrl":"z"},{}]}""");

        Assert.True(OtlpJson.TryRead(Signal.Traces, json, output, out _));

        var request = OpenTelemetry.Proto.Collector.Trace.V1.ExportTraceServiceRequest.Parser.ParseFrom(output.WrittenSpan);
        var values = request.ResourceSpans[0].Resource.Attributes[0].Value.ArrayValue.Values;
        Assert.Equal((2, 3, "z"), (request.ResourceSpans.Count, values.Count, request.ResourceSpans[0].SchemaUrl));
        Assert.Equal((new string('x', length), new string('y', length - 4)), (values[0].StringValue, values[2].StringValue));
        Assert.Equal(Google.Protobuf.MessageExtensions.ToByteArray(request), output.WrittenSpan.ToArray());
    }

    [Fact]
    public void What_is_asked_for_covers_what_is_held_and_the_bytes_are_the_same()
    {
        long most = 0;
        OtlpJsonRequestBuilder? builder = null;
        builder = new OtlpJsonRequestBuilder(100, int.MaxValue, bytes =>
        {
            Assert.True(bytes > builder!.HeldBytes);
            most = Math.Max(most, bytes);
            return true;
        });
        var expected = new ArrayBufferWriter<byte>();
        Assert.True(OtlpJson.TryRead(Signal.Traces, Json, expected, out _));

        Assert.True(OtlpJson.TryRead(Signal.Traces, Json, builder, out _));

        var written = new byte[builder.Length];
        builder.WriteTo(written);
        Assert.Equal(expected.WrittenSpan.ToArray(), written);
        Assert.InRange(builder.HeldBytes, builder.Length, most);
    }

    [Fact]
    public void At_whichever_step_memory_is_refused_it_ends_there()
    {
        for (var allowed = 0; allowed < 20; allowed++)
        {
            var left = allowed;
            using var builder = new OtlpJsonRequestBuilder(100, int.MaxValue, _ => left-- > 0);
            var isRead = OtlpJson.TryRead(Signal.Traces, Json, builder, out _);

            Assert.NotEqual(builder.IsOutOfMemory, isRead);
            if (isRead)
            {
                Assert.True(allowed > 4);
                return;
            }
        }

        Assert.Fail("It never had enough.");
    }

    [Fact]
    public void Text_that_is_no_UTF_8_is_repaired_within_the_limit()
    {
        byte[] json = [.. "{\"resourceSpans\":[{\"schemaUrl\":\""u8, .. Enumerable.Repeat((byte)0xff, 1000), (byte)'a', 0xe2, 0x82, .. "\"}]}"u8];
        using var large = new OtlpJsonRequestBuilder(json.Length, 10_000);
        using var small = new OtlpJsonRequestBuilder(json.Length, 2000);

        Assert.True(OtlpJson.TryRead(Signal.Traces, json, large, out _));
        Assert.False(OtlpJson.TryRead(Signal.Traces, json, small, out _));

        Assert.True(small.IsOverfull);
        var written = new byte[large.Length];
        large.WriteTo(written);
        Assert.EndsWith(new string('\ufffd', 1000) + "a\ufffd", Encoding.UTF8.GetString(written), StringComparison.Ordinal);
    }
}
