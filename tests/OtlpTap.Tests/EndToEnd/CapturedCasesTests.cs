using System.Buffers;
using System.Text.Json;
using System.Text.RegularExpressions;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>The files of cases as other programs will read them: strict OTLP/JSON that holds just what agents sent.</summary>
public sealed partial class CapturedCasesTests
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures");

    // Names of OTLP fields that are 64 bits wide, and those that hold ids.
    private static readonly HashSet<string> Wide = ["startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "observedTimeUnixNano", "intValue"];
    private static readonly Dictionary<string, int> Ids = new() { ["traceId"] = 32, ["spanId"] = 16, ["parentSpanId"] = 16 };

    [Theory]
    [InlineData("dotnet-meai/tool-throws")]
    [InlineData("dotnet-meai/tool-retry-recovers")]
    [InlineData("dotnet-semantic-kernel/tool-throws")]
    [InlineData("handwritten-otel-events/exception-as-log-record")]
    [InlineData("otel-js-openai/provider-error-429")]
    [InlineData("strands-agents-latest/tool-retry-recovers")]
    [InlineData("traceloop-langchain/tool-throws")]
    [InlineData("traceloop-mcp/call-bad-args")]
    [InlineData("vercel-ai-sdk-7/tool-throws")]
    public async Task A_case_reads_back_as_the_spans_and_logs_that_were_sent(string scenario)
    {
        await using var tap = await RunningTap.StartAsync(redact: "{ enabled: false }");
        var spans = new List<Span>();
        foreach (var file in Files(scenario, "traces"))
        {
            var request = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            await tap.ExportAsync(Signal.Traces, request);
            spans.AddRange(SpansOf(request));
        }

        var logs = new List<LogRecord>();
        foreach (var file in Files(scenario, "logs"))
        {
            var request = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            await tap.ExportAsync(Signal.Logs, request);
            logs.AddRange(LogsOf(request));
        }

        foreach (var file in await tap.CaseFilesAsync("case.json", 1))
        {
            var folder = Path.GetDirectoryName(file)!;
            using var written = JsonDocument.Parse(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
            var trace = written.RootElement.GetProperty("trace_id").GetString();
            var spansOfTrace = spans.Where(span => Hex(span.TraceId) == trace).ToList();
            var logsOfTrace = logs.Where(log => Hex(log.TraceId) == trace).ToList();
            Assert.NotEmpty(spansOfTrace);
            await Deadline.UntilAsync(() => CountsOf(file) == (spansOfTrace.Count, logsOfTrace.Count), $"{file} counts {spansOfTrace.Count} spans and {logsOfTrace.Count} logs");

            Assert.Equal(Ordered(spansOfTrace), Ordered(SpansOf(Read(Signal.Traces, Path.Combine(folder, "trace.json")))));
            var logFile = Path.Combine(folder, "logs.json");
            Assert.Equal(logsOfTrace.Count > 0, File.Exists(logFile));
            if (logsOfTrace.Count > 0)
            {
                Assert.Equal(Ordered(logsOfTrace), Ordered(LogsOf(Read(Signal.Logs, logFile))));
            }
        }
    }

    private static IEnumerable<string> Files(string scenario, string signal) =>
        Directory.GetFiles(Path.Combine(Fixtures, Path.GetDirectoryName(scenario)!), $"{Path.GetFileName(scenario)}.{signal}*.otlp.pb").Order(StringComparer.Ordinal);

    private static (int Spans, int Logs) CountsOf(string caseFile)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(caseFile));
        return (json.RootElement.GetProperty("span_count").GetInt32(), json.RootElement.GetProperty("log_count").GetInt32());
    }

    private static byte[] Read(Signal signal, string file)
    {
        var json = File.ReadAllBytes(file);
        using (var document = JsonDocument.Parse(json))
        {
            AssertStrict(document.RootElement);
        }

        var request = new ArrayBufferWriter<byte>();
        Assert.True(OtlpJson.TryRead(signal, json, request, out var error), error.ToString());
        return request.WrittenSpan.ToArray();
    }

    /// <summary>Ids in lower-case hex of the right length, 64-bit integers as strings of decimal digits, enums as numbers.</summary>
    private static void AssertStrict(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            Assert.All(element.EnumerateArray(), AssertStrict);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject())
            {
                if (Ids.TryGetValue(property.Name, out var digits))
                {
                    Assert.Matches($"^[0-9a-f]{{{digits}}}$", property.Value.GetString());
                }
                else if (Wide.Contains(property.Name))
                {
                    Assert.Matches(Decimal(), property.Value.GetString());
                }
                else if (property.Name is "kind" or "code" or "severityNumber")
                {
                    Assert.Equal(JsonValueKind.Number, property.Value.ValueKind);
                }

                AssertStrict(property.Value);
            }
        }
    }

    private static List<Span> SpansOf(byte[] request) =>
        [.. ExportTraceServiceRequest.Parser.ParseFrom(request).ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)];

    private static List<LogRecord> LogsOf(byte[] request) =>
        [.. ExportLogsServiceRequest.Parser.ParseFrom(request).ResourceLogs.SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords)];

    private static IEnumerable<string> Ordered<T>(IEnumerable<T> messages)
        where T : IMessage =>
        messages.Select(message => Convert.ToHexStringLower(message.ToByteArray())).Order(StringComparer.Ordinal);

    private static string Hex(ByteString id) => Convert.ToHexStringLower(id.Span);

    [GeneratedRegex("^-?[0-9]+$")]
    private static partial Regex Decimal();
}
