using OtlpTap.Otlp;

namespace OtlpTap.Recorder;

/// <summary>One whole recorded request in which a trace occurs; valid during the visit alone.</summary>
internal readonly ref struct Fragment(in RecordHeader header, ReadOnlySpan<byte> request, long position)
{
    public Signal Signal { get; } = header.Signal;

    public long ReceivedUnixNano { get; } = header.ReceivedUnixNano;

    /// <summary>Where it stands in the ring: later ones have larger numbers, across restarts too.</summary>
    public long Position { get; } = position;

    /// <summary>The serialized <c>Export*ServiceRequest</c> as it was received.</summary>
    public ReadOnlySpan<byte> Request { get; } = request;
}

/// <summary>A copy of a fragment.</summary>
internal sealed record RecordedRequest(Signal Signal, long ReceivedUnixNano, ReadOnlyMemory<byte> Request);

internal delegate void FragmentVisitor<in TState>(in Fragment fragment, TState state);
