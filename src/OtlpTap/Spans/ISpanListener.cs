using OtlpTap.Otlp;

namespace OtlpTap.Spans;

/// <summary>A span as a walk has found it. It and what it points to are good for the moment of the call.</summary>
internal readonly ref struct SpanView
{
    /// <summary>The request that it lies in, from <see cref="Start"/> to <see cref="End"/>.</summary>
    public required ReadOnlySpan<byte> Request { get; init; }

    public required int Start { get; init; }

    public required int End { get; init; }

    /// <summary>Where the values of its known attributes lie.</summary>
    public required SpanFrame Frame { get; init; }

    public TraceId TraceId { get; init; }

    public SpanId SpanId { get; init; }

    /// <summary>Zero: a root.</summary>
    public SpanId ParentId { get; init; }

    public ReadOnlySpan<byte> Name { get; init; }

    /// <summary>0 where it does not say.</summary>
    public ulong StartUnixNano { get; init; }

    public ulong EndUnixNano { get; init; }

    /// <summary>It has a key that is watched for, or an event that is.</summary>
    public bool IsWatched { get; init; }

    /// <summary>Its bytes end amiss; what came before is here.</summary>
    public bool IsMalformed { get; init; }

    public ReadOnlySpan<byte> Bytes => Request[Start..End];
}

/// <summary>Told of the spans of a request in the order of its bytes; see <see cref="SpanWalk"/>.</summary>
internal interface ISpanListener
{
    /// <summary>The spans that follow are of this service and scope. UTF-8; empty where it is not said.</summary>
    void Scope(ReadOnlySpan<byte> service, ReadOnlySpan<byte> name);

    void Span(in SpanView span);
}
