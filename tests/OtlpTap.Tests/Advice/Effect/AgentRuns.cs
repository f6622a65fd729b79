using Google.Protobuf;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Advice.Effect;

/// <summary>Runs of an agent as an SDK would send them, in spans of now.</summary>
internal static class AgentRuns
{
    public static ByteString Bytes(TraceId trace)
    {
        Span<byte> bytes = stackalloc byte[TraceId.Length];
        trace.WriteTo(bytes);
        return ByteString.CopyFrom(bytes);
    }

    /// <summary>The last span is of this trace and began at this time.</summary>
    public static TraceBuilder In(this TraceBuilder builder, TraceId trace, ulong start, double seconds = 0.5, bool isRoot = false)
    {
        var span = builder.LastSpan;
        span.TraceId = Bytes(trace);
        span.StartTimeUnixNano = start;
        span.EndTimeUnixNano = start + EffectWorld.Seconds(seconds);
        span.ParentSpanId = isRoot ? ByteString.Empty : TraceBuilder.SpanIdBytes(200);
        span.SpanId = isRoot ? TraceBuilder.SpanIdBytes(200) : span.SpanId;
        return builder;
    }

    public static TraceBuilder Tool(this TraceBuilder builder, string name, params (string Key, object? Value)[] more) =>
        builder.Span($"execute_tool {name}", [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", name), .. more]);

    public static TraceBuilder Agent(this TraceBuilder builder) =>
        builder.Span("invoke_agent planner", ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "planner"));
}
