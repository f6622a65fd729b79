using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OtlpTap.Otlp;
using OtlpTap.Tests.EndToEnd.Conformance;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>
/// OTLP/JSON of each signal, in the form of the specification's examples, to a tap whose upstream and whose file take JSON
/// as well: it becomes protobuf at the edge and JSON again, and says the same.
/// </summary>
public sealed class JsonThroughTheTapTests
{
    private const string Around = """
        "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop.agent"}}]}
        """;

    private const string Scope = """
        "scope":{"name":"shop.library","version":"1.0.0","attributes":[{"key":"scope.attribute","value":{"stringValue":"of the scope"}}]}
        """;

    public static TheoryData<string, string> Documents => new()
    {
        {
            nameof(Signal.Traces),
            $$$$"""
            {"resourceSpans":[{ {{{{Around}}}},"scopeSpans":[{ {{{{Scope}}}},"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","parentSpanId":"eee19b7ec3c1b173",
            "name":"I'm a \"server\" span","startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","kind":2,"traceState":"a=b","flags":257,
            "events":[{"timeUnixNano":"1544712660500000000","name":"retry"}],"links":[{"traceId":"5b8efff798038103d269b633813fc60d","spanId":"eee19b7ec3c1b175"}],
            "status":{"code":1,"message":"grüße"},"attributes":[{"key":"n","value":{"intValue":"9007199254740993"}},{"key":"b","value":{"bytesValue":"AP+/"}}]}]}]}]}
            """
        },
        {
            nameof(Signal.Logs),
            $$$$"""
            {"resourceLogs":[{ {{{{Around}}}},"scopeLogs":[{ {{{{Scope}}}},"logRecords":[
            {"timeUnixNano":"1544712660300000000","observedTimeUnixNano":"1544712660300000000","severityNumber":10,"severityText":"Information","traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174",
            "body":{"stringValue":"A line"},"attributes":[{"key":"s","value":{"stringValue":"text"}},{"key":"t","value":{"boolValue":true}},{"key":"i","value":{"intValue":"10"}},{"key":"d","value":{"doubleValue":637.704}},
            {"key":"a","value":{"arrayValue":{"values":[{"stringValue":"many"},{"stringValue":"values"}]}}},{"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{"doubleValue":"NaN"}}]}}}]},
            {"timeUnixNano":"1544712660300000001","eventName":"gen_ai.evaluation.result","body":{"kvlistValue":{"values":[{"key":"score","value":{"doubleValue":0.25}}]}}}]}]}]}
            """
        },
        {
            nameof(Signal.Metrics),
            $$$$"""
            {"resourceMetrics":[{ {{{{Around}}}},"scopeMetrics":[{ {{{{Scope}}}},"metrics":[
            {"name":"counter","unit":"1","description":"A counter","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"asInt":"5","startTimeUnixNano":"1544712660300000000","timeUnixNano":"1544712660300000000","attributes":[{"key":"k","value":{"stringValue":"v"}}]}]}},
            {"name":"gauge","gauge":{"dataPoints":[{"asDouble":0,"timeUnixNano":"1544712660300000000"},{"asDouble":"-Infinity","timeUnixNano":"1544712660300000001"}]}},
            {"name":"histogram","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1544712660300000000","count":"2","sum":2,"bucketCounts":["1","1"],"explicitBounds":[1],"min":0,"max":2}]}},
            {"name":"exponential","exponentialHistogram":{"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"1544712660300000000","count":"3","sum":10,"scale":-2,"zeroCount":"1","positive":{"offset":1,"bucketCounts":["0","2"]},"min":0,"max":5}]}},
            {"name":"summary","summary":{"dataPoints":[{"timeUnixNano":"1544712660300000000","count":"4","sum":7.5,"quantileValues":[{"quantile":0.5,"value":2}]}]}}]}]}]}
            """
        },
    };

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task What_goes_in_as_JSON_comes_out_the_same(string name, string document)
    {
        var signal = Enum.Parse<Signal>(name);
        await using var upstream = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);
        upstream.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 200, "application/json", """{"partialSuccess":{"errorMessage":"nearly full"}}"""u8.ToArray());
        await using var tap = await RunningTap.ConfiguredAsync(directory => $$"""
            receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { corpus: { directory: '{{directory}}/cases' } } }
            exporters:
              otlp_http: { endpoint: "http://{{upstream.Endpoint}}", encoding: json, compression: gzip }
              file: { path: '{{directory}}/out.json', flush_interval: 10ms }
            service:
              admin: { endpoint: "127.0.0.1:0" }
              pipelines: { {{name.ToLowerInvariant()}}: { receivers: [otlp], processors: [tap], exporters: [otlp_http, file], primary: otlp_http } }
            """);
        using var sender = new Sender(tap, Protocol.HttpJson);

        var answer = await sender.SendAsync(Encoding.UTF8.GetBytes(document), signal);

        Assert.Equal(new PartialSuccess(0, "nearly full"), answer.Partial);
        var call = Assert.Single(upstream.Calls);
        Assert.Equal(($"/v1/{name.ToLowerInvariant()}", "application/json", "gzip"), (call.Path, call.Headers["content-type"], call.Headers["content-encoding"]));
        AssertSame(document, Encoding.UTF8.GetString(call.Decompressed));
        await Deadline.UntilAsync(() => new FileInfo($"{tap.Directory}/out.json") is { Exists: true, Length: > 0 }, "the file has a line");
        AssertSame(document, Assert.Single(await File.ReadAllLinesAsync($"{tap.Directory}/out.json", TestContext.Current.CancellationToken)));
    }

    private static void AssertSame(string expected, string actual) =>
        Assert.True(JsonNode.DeepEquals(InLowerCase(JsonNode.Parse(expected)!), JsonNode.Parse(actual)), actual);

    // Ids are hex of either case, and leave in lower case.
    private static JsonNode InLowerCase(JsonNode node)
    {
        foreach (var id in Descendants(node).Where(found => found.GetValueKind() == JsonValueKind.String && found.Parent is JsonObject && found.GetPropertyName() is "traceId" or "spanId" or "parentSpanId").ToList())
        {
            id.ReplaceWith(id.GetValue<string>().ToLowerInvariant());
        }

        return node;
    }

    private static IEnumerable<JsonNode> Descendants(JsonNode node) => node switch
    {
        JsonObject found => found.SelectMany(property => Descendants(property.Value!)),
        JsonArray found => found.SelectMany(element => Descendants(element!)),
        _ => [node],
    };
}
