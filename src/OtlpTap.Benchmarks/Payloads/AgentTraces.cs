using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace OtlpTap.Benchmarks.Payloads;

/// <summary>
/// Export requests as an agent's SDK sends them: runs of an agent that asks a model, calls a tool, asks again; attributes
/// by the OpenTelemetry conventions for generative AI, with prompts and tool results in them. The same seed gives the
/// same bytes. What fails is a tool call. One span is about 690 bytes, 50 are about 66 KB, 512 (a full batch of an SDK's exporter) about 676 KB.
/// </summary>
internal sealed class AgentTraces
{
    public const int SpansPerTrace = 8;
    private const int PromptWords = 145;
    private const int AnswerWords = 60;
    private const int ToolResultWords = 33;
    private const ulong FirstStart = 1_763_856_000_000_000_000;

    private static readonly string[] Vocabulary =
    [
        "the", "order", "was", "shipped", "on", "Monday", "and", "a", "refund", "of", "forty", "euros", "is", "due",
        "because", "customer", "returned", "item", "within", "thirty", "days", "please", "check", "address", "before",
        "tool", "answers", "with", "status", "delivered", "invoice", "number", "warehouse", "Gdańsk", "replacement",
    ];

    private static readonly string[] Tools = ["lookup_order", "search_policy", "issue_refund", "send_mail"];

    private readonly Random _random;
    private ByteString _trace = ByteString.Empty;
    private ByteString _root = ByteString.Empty;
    private ulong _clock = FirstStart;

    private AgentTraces(int seed) => _random = new Random(seed);

    /// <param name="spans">Spans in the request.</param>
    /// <param name="failing">How many of them failed, spread evenly: status ERROR with an <c>error.type</c> and an exception event.</param>
    /// <param name="seed">Equal seeds give equal requests.</param>
    public static ExportTraceServiceRequest Request(int spans, int failing = 0, int seed = 1)
    {
        var traces = new AgentTraces(seed);
        var scope = new ScopeSpans { Scope = new InstrumentationScope { Name = "shop.agent", Version = "2.4.1" } };
        for (var i = 0; i < spans; i++)
        {
            var fails = i * failing / spans != (i + 1) * failing / spans;
            scope.Spans.Add(traces.Next(i, fails));
        }

        return new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { Resource = Service(), ScopeSpans = { scope } } } };
    }

    /// <summary>The request as it stands on the wire of gRPC: frame header (uncompressed), message.</summary>
    public static byte[] Frame(IMessage request)
    {
        const int HeaderLength = 5;
        var frame = new byte[HeaderLength + request.CalculateSize()];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), frame.Length - HeaderLength);
        request.WriteTo(frame.AsSpan(HeaderLength));
        return frame;
    }

    private static Resource Service() => new()
    {
        Attributes =
        {
            Text("service.name", "shop-agent"),
            Text("service.version", "7.3.0"),
            Text("deployment.environment.name", "production"),
            Text("telemetry.sdk.name", "opentelemetry"),
            Text("telemetry.sdk.language", "dotnet"),
        },
    };

    private Span Next(int index, bool fails)
    {
        var place = index % SpansPerTrace;
        if (place == 0)
        {
            _trace = Id(16);
            _root = Id(8);
        }

        var duration = (ulong)_random.Next(1_000_000, 2_000_000_000);
        var span = new Span
        {
            TraceId = _trace,
            SpanId = place == 0 ? _root : Id(8),
            ParentSpanId = place == 0 ? ByteString.Empty : _root,
            Flags = 257,
            StartTimeUnixNano = _clock,
            EndTimeUnixNano = _clock + duration,
        };
        _clock += duration;
        if (fails)
        {
            ExecuteTool(span);
            Fail(span);
            return span;
        }

        switch (place)
        {
            case 0:
                InvokeAgent(span);
                break;
            case 2 or 4 or 6:
                ExecuteTool(span);
                break;
            default:
                Chat(span);
                break;
        }

        return span;
    }

    private void InvokeAgent(Span span)
    {
        span.Name = "invoke_agent shop-assistant";
        span.Kind = Span.Types.SpanKind.Internal;
        span.Attributes.Add(
        [
            Text("gen_ai.operation.name", "invoke_agent"),
            Text("gen_ai.provider.name", "openai"),
            Text("gen_ai.agent.name", "shop-assistant"),
            Text("gen_ai.agent.id", $"asst_{_random.Next():x8}"),
            Text("gen_ai.agent.description", "Answers questions about orders, refunds and deliveries"),
            Text("gen_ai.conversation.id", $"conv_{_random.Next():x8}"),
            Text("gen_ai.request.model", "gpt-4.1-mini"),
            Number("gen_ai.usage.input_tokens", _random.Next(1000, 9000)),
            Number("gen_ai.usage.output_tokens", _random.Next(50, 900)),
        ]);
    }

    private void Chat(Span span)
    {
        span.Name = "chat gpt-4.1-mini";
        span.Kind = Span.Types.SpanKind.Client;
        span.Attributes.Add(
        [
            Text("gen_ai.operation.name", "chat"),
            Text("gen_ai.provider.name", "openai"),
            Text("gen_ai.request.model", "gpt-4.1-mini"),
            Text("gen_ai.response.model", "gpt-4.1-mini-2025-04-14"),
            Text("gen_ai.response.id", $"chatcmpl-{_random.NextInt64():x16}"),
            Decimal("gen_ai.request.temperature", 0.2),
            Number("gen_ai.request.max_tokens", 1024),
            List("gen_ai.response.finish_reasons", "stop"),
            Number("gen_ai.usage.input_tokens", _random.Next(200, 3000)),
            Number("gen_ai.usage.output_tokens", _random.Next(20, 400)),
            Text("server.address", "api.openai.com"),
            Number("server.port", 443),
            Text("gen_ai.input.messages", $$"""[{"role":"user","parts":[{"type":"text","content":"{{Words(PromptWords)}}"}]}]"""),
            Text("gen_ai.output.messages", $$"""[{"role":"assistant","parts":[{"type":"text","content":"{{Words(AnswerWords)}}"}],"finish_reason":"stop"}]"""),
        ]);
    }

    private void ExecuteTool(Span span)
    {
        var tool = Tools[_random.Next(Tools.Length)];
        span.Name = $"execute_tool {tool}";
        span.Kind = Span.Types.SpanKind.Internal;
        span.Attributes.Add(
        [
            Text("gen_ai.operation.name", "execute_tool"),
            Text("gen_ai.tool.name", tool),
            Text("gen_ai.tool.type", "function"),
            Text("gen_ai.tool.call.id", $"call_{_random.NextInt64():x16}"),
            Text("gen_ai.tool.call.arguments", $$"""{"order_id":"{{_random.Next():x8}}","amount_cents":{{_random.Next(100, 9000)}}}"""),
            Text("gen_ai.tool.call.result", $$"""{"found":true,"text":"{{Words(ToolResultWords)}}"}"""),
        ]);
    }

    private static void Fail(Span span)
    {
        span.Status = new Status { Code = Status.Types.StatusCode.Error, Message = "The call timed out after 30 s" };
        span.Attributes.Add(Text("error.type", "timeout"));
        span.Events.Add(new Span.Types.Event
        {
            Name = "exception",
            TimeUnixNano = span.EndTimeUnixNano,
            Attributes = { Text("exception.type", "System.TimeoutException"), Text("exception.message", "The call timed out after 30 s") },
        });
    }

    private string Words(int count)
    {
        var text = new StringBuilder();
        for (var i = 0; i < count; i++)
        {
            text.Append(i == 0 ? "" : " ").Append(Vocabulary[_random.Next(Vocabulary.Length)]);
        }

        return text.ToString();
    }

    private ByteString Id(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return ByteString.CopyFrom(bytes);
    }

    private static KeyValue Text(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value } };

    private static KeyValue Number(string key, long value) => new() { Key = key, Value = new AnyValue { IntValue = value } };

    private static KeyValue Decimal(string key, double value) => new() { Key = key, Value = new AnyValue { DoubleValue = value } };

    private static KeyValue List(string key, string value) =>
        new() { Key = key, Value = new AnyValue { ArrayValue = new ArrayValue { Values = { new AnyValue { StringValue = value } } } } };
}
