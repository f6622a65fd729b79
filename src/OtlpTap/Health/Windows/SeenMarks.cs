using System.IO.Hashing;
using System.Runtime.InteropServices;
using OtlpTap.Otlp;

namespace OtlpTap.Health.Windows;

/// <summary>
/// What was counted of which trace, so that it is counted once: a run is one however many spans it has, and fails in one way
/// once however often it is said. A table of fixed size, eight places for each of its rows, in which the oldest of a row
/// makes room; what is forgotten would be counted again. Not thread-safe.
/// </summary>
internal sealed class SeenMarks
{
    /// <summary>Of runs that failed, three to five each: a quarter of an hour where fifteen fail in a second. 1 MiB.</summary>
    public const int MarksMax = 65_536;

    private const int RowLength = 8;
    private static readonly long Seed = (long)(ulong)RandomKey.Create();

    private readonly (ulong Mark, long Sequence)[] _places = new (ulong, long)[MarksMax];
    private long _sequence;

    /// <summary>Whether it is the first time, as far as is remembered.</summary>
    public bool IsFirst(in TraceId trace, long about, long what)
    {
        ReadOnlySpan<ulong> key = [trace.High, trace.Low, (ulong)about, (ulong)what];
        var mark = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(key), Seed);
        var row = _places.AsSpan((int)(mark & ((MarksMax / RowLength) - 1)) * RowLength, RowLength);
        ref var oldest = ref row[0];
        foreach (ref var place in row)
        {
            if (place.Mark == mark && place.Sequence != 0)
            {
                place.Sequence = ++_sequence;
                return false;
            }

            if (place.Sequence < oldest.Sequence)
            {
                oldest = ref place;
            }
        }

        oldest = (mark, ++_sequence);
        return true;
    }
}
