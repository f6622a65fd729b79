using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Spans;

namespace OtlpTap.Cli.Demo;

/// <summary>
/// A sample agent: asks a model, calls a tool, asks the model again, and records all of it as spans by the OpenTelemetry
/// GenAI conventions. Sends real OTLP, one request for each run, in turns over gRPC and HTTP, and asks the tap for advice.
/// </summary>
/// <param name="otlp">The tap's OTLP/HTTP port.</param>
/// <param name="admin">The tap's admin port.</param>
internal sealed class DemoAgent(GrpcChannel channel, HttpClient http, Uri otlp, Uri admin, TimeProvider time)
{
    public const string Service = "otlptap-demo-agent";
    public const string Name = "shop_assistant";

    private const string Model = "sample-model-1";

    private readonly TraceService.TraceServiceClient _client = new(channel);

    /// <exception cref="RpcException">The tap did not take the trace.</exception>
    /// <exception cref="HttpRequestException">The same over HTTP, or it gave no answer about advice.</exception>
    public async Task<(string TraceId, string Outcome)> RunAsync(DemoRun run, bool isOverHttp, CancellationToken cancellation)
    {
        var advice = run.AsksForAdvice ? await AdviceOnAsync(run.Tool, cancellation) : null;
        var trace = Record(run, advice);
        if (isOverHttp)
        {
            using var body = new ByteArrayContent(trace.Request.ToByteArray()) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-protobuf") } };
            using var answer = await http.PostAsync(new Uri(otlp, "/v1/traces"), body, cancellation);
            answer.EnsureSuccessStatusCode();
        }
        else
        {
            await _client.ExportAsync(trace.Request, deadline: time.GetUtcNow().UtcDateTime.AddSeconds(10), cancellationToken: cancellation);
        }

        return (trace.Id, advice is null ? run.Outcome : $"answered by {advice.Tool}, as advised");
    }

    /// <summary>What the user thinks of the answer that a trace is of.</summary>
    /// <param name="thumbs"><c>up</c> or <c>down</c>.</param>
    /// <exception cref="HttpRequestException">The tap did not take it.</exception>
    public async Task SendFeedbackAsync(string traceId, string thumbs, string comment, CancellationToken cancellation)
    {
        using var body = new StringContent($$"""{ "trace_id": "{{traceId}}", "thumbs": "{{thumbs}}", "comment": "{{comment}}" }""", Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri(otlp, "/v1/feedback"), body, cancellation);
        answer.EnsureSuccessStatusCode();
    }

    private async Task<Rerouting?> AdviceOnAsync(string tool, CancellationToken cancellation)
    {
        using var answer = JsonDocument.Parse(await http.GetByteArrayAsync(new Uri(admin, $"/api/v1/advice?service={Service}&agent={Name}&tool={tool}"), cancellation));
        foreach (var item in answer.RootElement.GetProperty("advice").EnumerateArray())
        {
            if (item.GetProperty("advice").GetString() == "reroute" && item.GetProperty("parameters").TryGetProperty("fallback_tool", out var fallback))
            {
                return new Rerouting(item.GetProperty("id").GetString()!, fallback.GetString()!, item.GetProperty("reason").GetString()!);
            }
        }

        return null;
    }

    private DemoTrace Record(DemoRun run, Rerouting? advice)
    {
        var trace = new DemoTrace(Service, time.GetUtcNow());
        var agent = trace.Span($"invoke_agent {Name}", null, 2400, ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", Name));
        var question = trace.Span($"chat {Model}", agent, 800, ("gen_ai.operation.name", "chat"), ("gen_ai.request.model", Model), ("gen_ai.input.messages", Message("user", run.Question)));
        if (run.Failure == DemoFailure.ProviderError)
        {
            DemoTrace.Fail(question, "429", "Rate limit reached for requests");
            DemoTrace.Fail(agent, "429", "Rate limit reached for requests");
            return trace;
        }

        DemoTrace.Finish(question, "tool_calls");
        CallTool(trace, agent, run, advice);
        var answer = trace.Span($"chat {Model}", agent, 700, ("gen_ai.operation.name", "chat"), ("gen_ai.request.model", Model));
        DemoTrace.Finish(answer, run.Failure == DemoFailure.Truncated ? "length" : "stop");
        return trace;
    }

    private static void CallTool(DemoTrace trace, Span agent, DemoRun run, Rerouting? advice)
    {
        var parent = advice is null ? agent : trace.Span(
            "otlptap.fallback", agent, 0, (FallbackAttributes.Fallback, "reroute"), (FallbackAttributes.Reason, advice.Reason), (FallbackAttributes.AdviceId, advice.Id));
        var name = advice?.Tool ?? run.Tool;
        var tool = trace.Span($"execute_tool {name}", parent, 900, ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", name), ("gen_ai.tool.call.arguments", """{"order": 1042}"""));
        switch (run.Failure)
        {
            case DemoFailure.ToolTimeout:
                DemoTrace.Fail(tool, "TimeoutError", "the address service did not answer within 30 s");
                break;
            case DemoFailure.ToolDown when advice is null:
                DemoTrace.Fail(tool, "503", "the carrier's service is down");
                break;
        }
    }

    private static string Message(string role, string text) => $$"""[{"role":"{{role}}","parts":[{"type":"text","content":"{{text}}"}]}]""";

    /// <param name="Tool">To use instead.</param>
    private sealed record Rerouting(string Id, string Tool, string Reason);
}
