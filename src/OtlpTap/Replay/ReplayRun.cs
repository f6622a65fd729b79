using System.Security.Cryptography;
using OtlpTap.Otlp;

namespace OtlpTap.Replay;

/// <summary>One run of the agent for a case: by its trace id its spans are known.</summary>
/// <param name="World">Null: the agent uses its own model and tools.</param>
internal sealed record ReplayRun(ReplayCase Case, TraceId TraceId, SpanId ParentId, RecordedWorld? World)
{
    /// <summary>The name of the resource attribute by which spans are known whose agent does not take over <c>traceparent</c>.</summary>
    public const string RunAttribute = "otlptap.replay.run";

    public string TraceParent => $"00-{TraceId}-{ParentId}-01";

    public static ReplayRun New(ReplayCase replayCase, RecordedWorld? world)
    {
        // Random as the trace context wants it: agents under test may share a backend with others.
        Span<byte> bytes = stackalloc byte[24];
        RandomNumberGenerator.Fill(bytes);
        _ = TraceId.TryParse(Convert.ToHexStringLower(bytes[..16]), out var traceId);
        _ = SpanId.TryParse(Convert.ToHexStringLower(bytes[16..]), out var parentId);
        return new ReplayRun(replayCase, traceId, parentId, world);
    }
}
