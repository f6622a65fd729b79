using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>A failing trace comes in, in two requests, and is at every sink: whole, and redacted where that is asked for.</summary>
public sealed class CasesToAllSinksTests : IDisposable
{
    private const string Address = "ada@example.org";

    private readonly string _directory = Directory.CreateTempSubdirectory("otlptap-sinks-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_failing_trace_arrives_at_each_sink_whole_and_redacted_where_it_shall_be()
    {
        await using var grpc = await StubUpstream.StartAsync();
        await using var http = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);
        await using var hook = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);
        http.Answer = hook.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 200);
        var file = Path.Combine(_directory, "cases.jsonl");
        var secret = Path.Combine(_directory, "secret");
        File.WriteAllText(secret, "between us\n");
        string[] sinks =
        [
            $"{{ name: tempo, type: otlp_grpc, endpoint: '{grpc.Endpoint}', tls: {{ insecure: true }} }}",
            $"{{ name: whole, type: otlp_http, endpoint: 'http://{http.Endpoint}', redact: false }}",
            $"{{ type: file, path: '{file}' }}",
            $"{{ type: webhook, endpoint: 'http://{hook.Endpoint}/hook', secret_file: '{secret}' }}",
        ];
        await using var tap = await RunningTap.StartAsync(sinks: $"[{string.Join(", ", sinks)}]");

        // What comes later than the failure belongs to it as much as what came before.
        await tap.ExportAsync(Signal.Traces, Tool("execute_tool send_mail").Failed("no such address").ToBytes());
        var answer = new TraceBuilder().Resource("shop").Span("chat", ("gen_ai.operation.name", "chat"), ("note", $"write to {Address}"), ("long", new string('x', 100_000)));
        answer.LastSpan.SpanId = TraceBuilder.SpanIdBytes(9);
        await tap.ExportAsync(Signal.Traces, answer.ToBytes());
        await Deadline.UntilAsync(() => Has(grpc.Calls.LastOrDefault()?.Body) && Has(http.Calls.LastOrDefault()?.Body) && File.Exists(file) && Has(File.ReadAllBytes(file)) && !hook.Calls.IsEmpty, "each sink has the case with both spans");

        Check(ExportTraceServiceRequest.Parser.ParseFrom(grpc.Calls.Last().Message), "write to [email]");
        Check(ExportTraceServiceRequest.Parser.ParseFrom(http.Calls.Last(call => call.Path == "/v1/traces").Body), $"write to {Address}");
        Check(InFile(file), "write to [email]");
        CheckHook(hook.Calls.First(), "between us");
        foreach (var sink in (string[])["tempo", "whole", "file", "webhook"])
        {
            await Deadline.UntilAsync(async () => await SentAsync(tap, sink) >= 1 && await tap.MetricAsync($"otlptap_sink_queue_bytes{{sink=\"{sink}\"}}") == 0, $"nothing waits for {sink}");
        }
    }

    // The note's, whether it is redacted or not.
    private static bool Has(byte[]? bytes) => bytes.AsSpan().IndexOf("write to "u8) >= 0;

    private static TraceBuilder Tool(string name) => new TraceBuilder().Resource("shop").Span(name, ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "send_mail"));

    private static Task<double> SentAsync(RunningTap tap, string sink) => tap.MetricAsync($"otlptap_sink_sent_cases_total{{sink=\"{sink}\"}}");

    private static ExportTraceServiceRequest InFile(string file)
    {
        var request = new System.Buffers.ArrayBufferWriter<byte>();
        Assert.True(OtlpJson.TryRead(Signal.Traces, Encoding.UTF8.GetBytes(File.ReadAllLines(file)[^1]), request, out var error), error.ToString());
        return ExportTraceServiceRequest.Parser.ParseFrom(request.WrittenSpan);
    }

    private static void Check(ExportTraceServiceRequest trace, string note)
    {
        var spans = trace.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans).ToDictionary(span => span.Name);
        Assert.Equal(["chat", "execute_tool send_mail"], spans.Keys.Order(StringComparer.Ordinal));
        var attributes = spans["chat"].Attributes.ToDictionary(attribute => attribute.Key, attribute => attribute.Value.StringValue);
        Assert.Equal(note, attributes["note"]);
        Assert.Equal(100_000, attributes["long"].Length);
        Assert.Equal("no such address", spans["execute_tool send_mail"].Status.Message);
    }

    // As who receives it would, by what the page says, with nothing of the tap's own.
    private static void CheckHook(StubCall call, string secret)
    {
        var parts = call.Headers["otlptap-signature"].Split(',').Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part[1]);
        byte[] signed = [.. Encoding.UTF8.GetBytes(parts["t"] + "."), .. call.Body];
        Assert.Equal(Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed)), parts["v1"]);
        Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - long.Parse(parts["t"], CultureInfo.InvariantCulture), -5, 300);
        using var body = JsonDocument.Parse(call.Body);
        Assert.Equal(("case.created", "tool_error"), (body.RootElement.GetProperty("event").GetString(), body.RootElement.GetProperty("failure").GetString()));
        Assert.DoesNotContain(Address, body.RootElement.GetRawText(), StringComparison.Ordinal);
    }
}
