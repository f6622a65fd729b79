using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OtlpTap.Otlp;

namespace OtlpTap.Health.Windows;

/// <summary>
/// Which series have counted a trace, and which a run in it: the two questions that every trace is asked for its agent, its
/// service and all. One entry for each trace, so that they cost one search. A table of fixed size, eight places for each of
/// its rows, in which the oldest makes room; what is forgotten would be counted again. Not thread-safe.
/// </summary>
internal sealed class RunMarks
{
    /// <summary>Eighteen minutes where thirty begin in a second. 1 MiB.</summary>
    public const int TracesMax = 32_768;

    private const int RowLength = 8;

    // Chosen ids cannot be made to fall into one row.
    private static readonly long Seed = (long)(ulong)RandomKey.Create();

    private readonly ulong[] _marks = new ulong[TracesMax];
    private readonly Entry[] _entries = new Entry[TracesMax];
    private readonly byte[] _next = new byte[TracesMax / RowLength];
    private TraceId _lastTrace;
    private int _last;

    /// <summary>What a series has counted of a trace.</summary>
    public enum Counted
    {
        Trace = 1,
        Run = 2,
    }

    /// <summary>It will be asked for in a moment.</summary>
    public void Prepare(in TraceId trace)
    {
        var row = RowOf(MarkOf(trace));
        Prefetch.Line(_marks, row);
        Prefetch.Line(_entries, row);
    }

    /// <returns>Whether it is the first time, as far as is remembered; null where the trace is of more series than an entry holds.</returns>
    public bool? IsFirst(in TraceId trace, long series, Counted what)
    {
        if (trace != _lastTrace)
        {
            _last = PlaceOf(trace);
            _lastTrace = trace;
        }

        foreach (ref var one in (Span<uint>)_entries[_last])
        {
            if (one == 0 || one >> 2 == (uint)series << 2 >> 2)
            {
                var isFirst = (one & (uint)what) == 0;
                one |= ((uint)series << 2) | (uint)what;
                return isFirst;
            }
        }

        return null;
    }

    private int PlaceOf(in TraceId trace)
    {
        var mark = MarkOf(trace);
        var row = RowOf(mark);
        var known = _marks.AsSpan(row, RowLength).IndexOf(mark);
        if (known >= 0)
        {
            return row + known;
        }

        var place = row + (_next[row / RowLength]++ % RowLength);
        _marks[place] = mark;
        _entries[place] = default;
        return place;
    }

    private static ulong MarkOf(in TraceId trace)
    {
        ReadOnlySpan<ulong> id = [trace.High, trace.Low];
        return Math.Max(1, XxHash3.HashToUInt64(MemoryMarshal.AsBytes(id), Seed));
    }

    private static int RowOf(ulong mark) => (int)(mark & ((TracesMax / RowLength) - 1)) * RowLength;

    /// <summary>Numbers of series, each with what it has counted in its two lowest bits; 0: free.</summary>
    [InlineArray(6)]
    private struct Entry
    {
        private uint _first;
    }
}
