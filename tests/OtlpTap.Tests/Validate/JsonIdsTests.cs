using OtlpTap.Otlp;
using OtlpTap.Tests.Otlp;

namespace OtlpTap.Tests.Validate;

/// <summary>Ids in JSON: of a wrong length they are one item's problem, as in protobuf; what is not hex is the whole request's.</summary>
public sealed class JsonIdsTests
{
    [Theory]
    [InlineData("", "trace_id is missing")]
    [InlineData("0102", "trace_id has 2 bytes")]
    [InlineData("00000000000000000000000000000000", "trace_id is all zeros")]
    [InlineData("5b8efff798038103d269b633813fc60c00", "trace_id has 17 bytes")]
    public void An_id_of_a_wrong_length_becomes_bytes_of_that_length(string hex, string problem)
    {
        var request = Transcoding.Bytes(Signal.Traces, Spans(hex));

        Assert.Equal(new PartialSuccess(1, $"1 of 2 spans rejected: resource_spans[0].scope_spans[0].spans[0]: {problem}"), Validated.Of(Signal.Traces, request, OnInvalid.RejectItem).Told);
    }

    [Theory]
    [InlineData("010")]
    [InlineData("xyz0")]
    public void What_is_not_hex_refuses_the_request(string text) =>
        Assert.Contains("traceId: not hexadecimal digits", Transcoding.Refused(Signal.Traces, System.Text.Encoding.UTF8.GetBytes(Spans(text))).Message, StringComparison.Ordinal);

    private static string Spans(string traceId) =>
        $$"""
        {"resourceSpans":[{"scopeSpans":[{"spans":[
          {"traceId":"{{traceId}}","spanId":"eee19b7ec3c1b174","name":"wrong"},
          {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b175","name":"right"}]}]}]}
        """;
}
