using System.Buffers.Binary;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Detectors;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;
using OtlpSpan = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Detectors;

/// <summary>Traces, as they come over the wire, made to take long: reading, examining and the search for causes together stay within seconds.</summary>
public sealed class HostileTraceTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    [Fact]
    public void Span_ids_made_to_fall_into_one_bucket() =>
        Examine([.. Enumerable.Range(1, 20_000).Select(number => Tool(number, 0, null, ((ulong)number << 32) | (uint)number))]);

    [Fact]
    public void Trace_ids_made_to_fall_into_one_bucket()
    {
        var seen = new HashSet<TraceId>();
        var took = ProcessorTime.Of(() =>
        {
            for (var number = 1UL; number <= 100_000; number++)
            {
                seen.Add(new TraceId((number << 32) | number, (number << 32) | number));
            }
        });

        Assert.Equal(100_000, seen.Count);
        Assert.True(took < Soon, $"{took}");
    }

    [Fact]
    public void Twenty_thousand_failing_spans_that_might_repeat_each_other()
    {
        const int Elsewhere = 77_777_777;
        Examine([.. Enumerable.Range(1, 20_000).Select(number => number % 2 == 0 ? Agent(number, Elsewhere) : Tool(number, Elsewhere, null))]);
    }

    [Fact]
    public void A_chain_of_twenty_thousand_failing_agents() => Examine([.. Enumerable.Range(1, 20_000).Select(number => Agent(number, number - 1))]);

    [Fact]
    public void A_ring_of_twenty_thousand_failing_tools_of_one_call() => Examine([.. Enumerable.Range(1, 20_000).Select(number => Tool(number, (number % 20_000) + 1, "x"))]);

    [Fact]
    public void Calls_and_results_that_share_one_id()
    {
        var calls = "[{\"role\":\"assistant\",\"parts\":[" + Repeated("{\"type\":\"tool_call\",\"id\":\"x\",\"name\":\"f\",\"arguments\":{}}", 8_000) + "]}]";
        var results = "[{\"role\":\"tool\",\"parts\":[" + Repeated("{\"type\":\"tool_call_response\",\"id\":\"x\"}", 12_000) + "]}]";
        Examine([.. Enumerable.Range(1, 5).Select(number => Llm(number, calls, 2)), .. Enumerable.Range(10, 8).Select(number => Llm(number, results, 1))]);
    }

    private static string Repeated(string item, int count) => string.Join(',', Enumerable.Repeat(item, count));

    private static void Examine(OtlpSpan[] spans)
    {
        var request = new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { spans } } } } } }.ToByteArray();
        var took = ProcessorTime.Of(() =>
        {
            var run = Assert.Single(AgentRunReader.Read(request, [], RunLimits.Default));
            var byDetectors = Judged.Verdicts(run);
            var byRules = run.Steps.Take(4096).Select((step, index) => new Verdict(step.SpanId, index % 2 == 0 ? FailureKind.PlanningError : FailureKind.ToolError, "a_rule", VerdictSource.Rule));
            CauseAnalysis.Find(run, [.. byRules, .. byDetectors]);
        });
        Assert.True(took < Soon, $"{took}");
    }

    private static OtlpSpan Llm(int id, string messages, int where)
    {
        var span = Span(id, 0, "chat");
        span.Attributes.Add(Text("gen_ai.operation.name", "chat"));
        if ((where & 1) != 0)
        {
            span.Attributes.Add(Text("gen_ai.input.messages", messages));
        }

        if ((where & 2) != 0)
        {
            span.Attributes.Add(Text("gen_ai.output.messages", messages));
        }

        return span;
    }

    private static OtlpSpan Tool(int id, int parent, string? call, ulong? span = null)
    {
        var tool = Span(id, parent, "execute_tool f", span);
        tool.Attributes.Add(Text("gen_ai.operation.name", "execute_tool"));
        tool.Attributes.Add(Text("gen_ai.tool.name", "f"));
        if (call is not null)
        {
            tool.Attributes.Add(Text("gen_ai.tool.call.id", call));
        }

        tool.Status = new Status { Code = Status.Types.StatusCode.Error, Message = "it broke in the backend" };
        return tool;
    }

    private static OtlpSpan Agent(int id, int parent)
    {
        var agent = Span(id, parent, "invoke_agent");
        agent.Attributes.Add(Text("gen_ai.operation.name", "invoke_agent"));
        agent.Status = new Status { Code = Status.Types.StatusCode.Error, Message = "something else that went wrong" };
        return agent;
    }

    private static OtlpSpan Span(int id, int parent, string name, ulong? span = null) => new()
    {
        TraceId = ByteString.CopyFrom(Enumerable.Repeat((byte)7, 16).ToArray()),
        SpanId = Id(span ?? (ulong)id),
        ParentSpanId = parent == 0 ? ByteString.Empty : Id((ulong)parent),
        Name = name,
        StartTimeUnixNano = 1_000_000_000_000 + (ulong)id,
        EndTimeUnixNano = 1_000_000_000_000 + (ulong)id + 5000,
    };

    private static ByteString Id(ulong id)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, id);
        return ByteString.CopyFrom(bytes);
    }

    private static KeyValue Text(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value } };
}
