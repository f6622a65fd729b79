using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;
using static OtlpTap.Tests.WireBytes;

namespace OtlpTap.Tests.Scan;

public sealed class FieldPathTests
{
    private static readonly byte[] Span = Field(2, Field(5, "chat"), Field(9, Field(1, "a"), Field(2, Field(1, "x"))));

    [Fact]
    public void The_text_names_the_field_its_place_and_the_cause()
    {
        byte[] attribute = [0x4A, 91, 0x0A, 0x01, (byte)'a'];
        var before = Join(Field(1, Field(1)), Field(2, Span, Span));
        var bytes = Field(1, before, Field(2, Span, Span, Span, Field(2, Field(9), Field(9), attribute)));

        Assert.Equal($"resource_spans[0].scope_spans[1].spans[3].attributes[2]: length 91 runs past the end at byte {bytes.Length - 4}", Describe(Signal.Traces, bytes));
    }

    [Theory]
    [InlineData("0A 04 0A 02 08", "resource_spans[0]: length 4 runs past the end at byte 1")]
    [InlineData("0A 03 0A 02 08", "resource_spans[0].resource: length 2 runs past the end at byte 3")]
    [InlineData("0A 03 0A 01 08", "resource_spans[0].resource.field 1: a varint is cut off at byte 5")]
    [InlineData("0A 05 0A 03 0A 01 80", "resource_spans[0].resource.attributes[0]: a field tag is cut off at byte 6")]
    [InlineData("0A 06 0A 04 0A 02 0A 07", "resource_spans[0].resource.attributes[0].key: length 7 runs past the end at byte 7")]
    [InlineData("0A 06 12 04 0A 02 12 09", "resource_spans[0].scope_spans[0].scope.version: length 9 runs past the end at byte 7")]
    [InlineData("0A 08 12 06 12 04 30 01 30 80", "resource_spans[0].scope_spans[0].spans[0].kind: a varint is cut off at byte 9")]
    [InlineData("0A 08 12 06 12 04 7A 02 18 80", "resource_spans[0].scope_spans[0].spans[0].status.code: a varint is cut off at byte 9")]
    [InlineData("0A 06 12 04 12 02 39 00", "resource_spans[0].scope_spans[0].spans[0].start_time_unix_nano: a fixed-width value is cut off at byte 7")]
    [InlineData("0A 02 12 00 08 01 00", "request: field number 0 at byte 6")]
    [InlineData("0A 04 0A 00 A5 06", "resource_spans[0].field 100: a fixed-width value is cut off at byte 6")]
    [InlineData("0E", "field 1: an unknown wire type at byte 0")]
    [InlineData("0A 00 0A 01 1C", "resource_spans[1].field 3: a group ends that was not begun at byte 4")]
    public void Every_level_that_is_walked_is_named(string hex, string text) =>
        Assert.Equal(text, Describe(Signal.Traces, Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal))));

    [Fact]
    public void Logs_and_metrics_have_names_of_their_own()
    {
        byte[] cut = [0x0A, 0x05];

        Assert.Equal("resource_logs[0].scope_logs[0].log_records[1].field 1: length 5 runs past the end at byte 9", Describe(Signal.Logs, Field(1, Field(2, Field(2), Field(2, cut)))));
        Assert.Equal("resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0]: length 5 runs past the end at byte 9", Describe(Signal.Metrics, Field(1, Field(2, Field(2, Field(7, cut))))));
    }

    [Fact]
    public void An_error_that_a_late_resource_uncovers_is_found_again()
    {
        var bytes = Field(1, Field(2, Span), Field(1, Field(1, [0x0A, 0x02, (byte)'a'])));

        Assert.EndsWith("resource.attributes[0].key: length 2 runs past the end at byte " + (bytes.Length - 2), Describe(Signal.Traces, bytes), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_refused_truncation_has_a_path_into_the_request()
    {
        var bytes = Proto.CapturedPayloads.Read("dotnet-meai/tool-throws.traces.otlp.pb");
        var found = Enumerable.Range(2, bytes.Length - 3).Select(length => Refusal(Signal.Traces, bytes[..length])).OfType<string>().ToList();

        Assert.NotEmpty(found);
        Assert.All(found, text => Assert.Matches(@"^resource_spans\[\d\]: (length \d+ runs past the end|a varint is cut off) at byte \d+$", text));
    }

    [Fact]
    public void Every_refused_random_mutation_has_a_path_into_the_request()
    {
        var random = new Random(3);
        for (var seed = 0; seed < 2000; seed++)
        {
            byte[] bytes = [0x0A, 0x00, .. new RandomRequest(seed).ToBytes()];
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            if (Refusal(Signal.Traces, bytes) is { } text)
            {
                Assert.Matches(@"^(request|field \d+|resource_spans\[\d+\][a-z_.\[\]0-9 ]*): .+ at byte \d+$", text);
            }
        }
    }

    private static string Describe(Signal signal, byte[] bytes)
    {
        var text = Refusal(signal, bytes);
        Assert.NotNull(text);
        return text;
    }

    private static string? Refusal(Signal signal, byte[] bytes) =>
        new RequestScanner(CompiledRules.None).TryScan(signal, bytes, new ScanResult(), out var error) ? null : FieldPath.Describe(signal, bytes, in error);
}
