using System.Net.Http.Headers;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace OtlpTap.Cli.Demo;

/// <summary>What happens in one run of the sample agent.</summary>
internal sealed record DemoRun(string Question, string Outcome, DemoFailure Failure);

internal enum DemoFailure
{
    None,
    ToolTimeout,
    ProviderError,
    Truncated,
}

/// <summary>
/// A sample agent: asks a model, calls a tool, asks the model again, and records all of it as spans by the OpenTelemetry
/// GenAI conventions. Every third run goes wrong. Sends real OTLP, one request for each run, in turns over gRPC and HTTP.
/// </summary>
internal sealed class DemoAgent(GrpcChannel channel, HttpClient http, Uri tracesUrl, TimeProvider time)
{
    private const string Model = "sample-model-1";

    private static readonly DemoRun[] Runs =
    [
        new("Which of my orders are still on the way?", "answered", DemoFailure.None),
        new("When does order 1042 arrive?", "answered", DemoFailure.None),
        new("Send order 1042 to my office instead.", "the tool change_address timed out", DemoFailure.ToolTimeout),
        new("Is the blue one in stock?", "answered", DemoFailure.None),
        new("What do you recommend for a beginner?", "answered", DemoFailure.None),
        new("Compare all twelve of them in detail.", "the answer was cut off at the token limit", DemoFailure.Truncated),
        new("Can I return it after four weeks?", "answered", DemoFailure.None),
        new("Then return order 1038, please.", "answered", DemoFailure.None),
        new("And order 1039.", "the provider answered 429", DemoFailure.ProviderError),
    ];

    private readonly TraceService.TraceServiceClient _client = new(channel);

    public static DemoRun RunOf(int number) => Runs[number % Runs.Length];

    /// <exception cref="RpcException">The tap did not take the trace.</exception>
    /// <exception cref="HttpRequestException">The same over HTTP.</exception>
    public async Task<string> RunAsync(DemoRun run, bool isOverHttp, CancellationToken cancellation)
    {
        var trace = new Trace(time.GetUtcNow());
        var agent = trace.Span("invoke_agent shop_assistant", null, 2400, ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "shop_assistant"));
        var question = trace.Span($"chat {Model}", agent, 800, ("gen_ai.operation.name", "chat"), ("gen_ai.request.model", Model), ("gen_ai.input.messages", Message("user", run.Question)));
        if (run.Failure == DemoFailure.ProviderError)
        {
            Fail(question, "429", "Rate limit reached for requests");
            Fail(agent, "429", "Rate limit reached for requests");
        }
        else
        {
            Finish(question, "tool_calls");
            var tool = trace.Span("execute_tool change_address", agent, 900, ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "change_address"), ("gen_ai.tool.call.arguments", """{"order": 1042}"""));
            if (run.Failure == DemoFailure.ToolTimeout)
            {
                Fail(tool, "TimeoutError", "the address service did not answer within 30 s");
            }

            var answer = trace.Span($"chat {Model}", agent, 700, ("gen_ai.operation.name", "chat"), ("gen_ai.request.model", Model));
            Finish(answer, run.Failure == DemoFailure.Truncated ? "length" : "stop");
        }

        if (isOverHttp)
        {
            using var body = new ByteArrayContent(trace.Request.ToByteArray()) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-protobuf") } };
            using var answer = await http.PostAsync(tracesUrl, body, cancellation);
            answer.EnsureSuccessStatusCode();
        }
        else
        {
            await _client.ExportAsync(trace.Request, deadline: time.GetUtcNow().UtcDateTime.AddSeconds(10), cancellationToken: cancellation);
        }

        return trace.Id;
    }

    private static string Message(string role, string text) => $$"""[{"role":"{{role}}","parts":[{"type":"text","content":"{{text}}"}]}]""";

    private static void Finish(Span span, string reason)
    {
        var reasons = new ArrayValue();
        reasons.Values.Add(new AnyValue { StringValue = reason });
        span.Attributes.Add(new KeyValue { Key = "gen_ai.response.finish_reasons", Value = new AnyValue { ArrayValue = reasons } });
    }

    private static void Fail(Span span, string type, string message)
    {
        span.Status = new OpenTelemetry.Proto.Trace.V1.Status { Code = OpenTelemetry.Proto.Trace.V1.Status.Types.StatusCode.Error, Message = message };
        span.Attributes.Add(new KeyValue { Key = "error.type", Value = new AnyValue { StringValue = type } });
    }

    /// <summary>One export request with one trace, whose spans follow each other in time.</summary>
    private sealed class Trace
    {
        private readonly ByteString _traceId = RandomId(16);
        private readonly ScopeSpans _scope = new() { Scope = new InstrumentationScope { Name = "otlptap.demo" } };
        private ulong _nanoseconds;

        public Trace(DateTimeOffset start)
        {
            _nanoseconds = (ulong)start.ToUnixTimeMilliseconds() * 1_000_000;
            var resource = new ResourceSpans { Resource = new Resource() };
            resource.Resource.Attributes.Add(Attribute("service.name", "otlptap-demo-agent"));
            resource.ScopeSpans.Add(_scope);
            Request.ResourceSpans.Add(resource);
        }

        public ExportTraceServiceRequest Request { get; } = new();

        public string Id => Convert.ToHexStringLower(_traceId.Span);

        public Span Span(string name, Span? parent, ulong milliseconds, params (string Key, string Value)[] attributes)
        {
            var span = new Span
            {
                TraceId = _traceId,
                SpanId = RandomId(8),
                ParentSpanId = parent?.SpanId ?? ByteString.Empty,
                Name = name,
                Kind = parent is null ? OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind.Internal : OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind.Client,
                StartTimeUnixNano = _nanoseconds,
                EndTimeUnixNano = _nanoseconds + (milliseconds * 1_000_000),
            };
            if (parent is not null)
            {
                _nanoseconds = span.EndTimeUnixNano;
            }

            foreach (var (key, value) in attributes)
            {
                span.Attributes.Add(Attribute(key, value));
            }

            _scope.Spans.Add(span);
            return span;
        }

        private static KeyValue Attribute(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value } };

        private static ByteString RandomId(int length)
        {
            var bytes = new byte[length];
            Random.Shared.NextBytes(bytes);
            return ByteString.CopyFrom(bytes);
        }
    }
}
