using System.Buffers;
using OtlpTap.Buffers;

namespace OtlpTap.Receive;

/// <summary>
/// A message's bytes in one piece, for what cannot read them in several. Up to a block (64 KiB) they are; otherwise they
/// are copied, with credit for the copy.
/// </summary>
internal readonly ref struct OnePiece
{
    private readonly Payload? _copy;

    private OnePiece(ReadOnlySpan<byte> span, long heldBytes, Payload? copy)
    {
        Span = span;
        HeldBytes = heldBytes;
        _copy = copy;
    }

    public ReadOnlySpan<byte> Span { get; }

    /// <summary>What is held with the copy.</summary>
    public long HeldBytes { get; }

    /// <summary>False when there is no credit for a copy.</summary>
    public static bool TryTake(in ReadOnlySequence<byte> bytes, Arrival arrival, long heldBytes, PayloadPool payloads, out OnePiece piece)
    {
        if (bytes.IsSingleSegment)
        {
            piece = new OnePiece(bytes.FirstSpan, heldBytes, null);
            return true;
        }

        if (!arrival.TryHold(heldBytes + bytes.Length))
        {
            piece = default;
            return false;
        }

        var copy = payloads.Rent((int)bytes.Length);
        bytes.CopyTo(copy.Writable);
        piece = new OnePiece(copy.Span, heldBytes + bytes.Length, copy);
        return true;
    }

    public void Dispose() => _copy?.Release();
}
