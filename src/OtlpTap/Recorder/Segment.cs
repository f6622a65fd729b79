using System.Diagnostics;
using OtlpTap.Otlp;

namespace OtlpTap.Recorder;

/// <summary>
/// One fixed piece of the ring. Records grow from the front, the index from the back:
/// <code>
///   | record | record | record ...  ->      free      &lt;-  ... entry | entry | entry |
/// </code>
/// An entry is 8 bytes, (hash of a trace id) &lt;&lt; 32 | (offset of the record), one for each trace id in the scan's list.
/// While the segment is open its entries stand in order of arrival, the newest at the lowest address; sealing sorts
/// them in place for binary search. So the index takes nothing beside the ring, and no trace costs an object.
/// <para>
/// A request that does not fit goes on at the start of the next segments; its entries stand here, where it begins.
/// </para>
/// </summary>
internal sealed class Segment(int size) : IDisposable
{
    private const int EntryBytes = sizeof(ulong);

    // Less than this of a request is not worth starting a record for: the rest of the segment stays unused.
    private const int FirstPartBytesMin = 64;

    private readonly SegmentMemory _memory = new(size);

    // The one writer alone: entries of the record being written.
    private int _reserved;

    // Written by the writer before _published is; read by anybody after it.
    private int _used;
    private int _published;

    // Held by readers while they search the index and by the writer while it sorts it: never while bytes are copied.
    private readonly Lock _index = new();
    private bool _sorted;

    private bool _sealed;
    private long _oldestUnixNano;
    private long _newestUnixNano;

    // The next three are guarded by the ring's lock.
    public int Readers { get; set; }

    public bool IsEvicted { get; set; }

    public long Sequence { get; private set; }

    /// <summary>Set when nothing will be added; only sealed segments are overwritten.</summary>
    public bool IsSealed => Volatile.Read(ref _sealed);

    /// <summary>Bytes of the requests whose records begin here.</summary>
    public long RequestBytes { get; private set; }

    public int Records { get; private set; }

    /// <summary>When the first and the last request that begin here were received; 0 when none does.</summary>
    public long OldestUnixNano => Volatile.Read(ref _oldestUnixNano);

    public long NewestUnixNano => Volatile.Read(ref _newestUnixNano);

    // Where the index begins and records must end.
    private int RecordsEnd => size - (EntryBytes * (_published + _reserved));

    /// <summary>Empties it for another round.</summary>
    public void Reuse(long sequence)
    {
        Debug.Assert(Readers == 0, "A segment is used again only when nobody reads it.");
        Sequence = sequence;
        IsEvicted = false;
        RequestBytes = 0;
        Records = 0;
        _sealed = false;
        _oldestUnixNano = 0;
        _newestUnixNano = 0;
        _used = 0;
        _reserved = 0;
        _published = 0;
        _sorted = false;
    }

    public bool HasRoomForStart(int entries) =>
        RecordsEnd - _used >= RecordHeader.Size + FirstPartBytesMin + (EntryBytes * entries);

    /// <summary>Starts a record; nobody sees it before <see cref="Publish"/>. Returns its offset.</summary>
    public int Begin(in RecordHeader header, int entries)
    {
        Debug.Assert(HasRoomForStart(entries), "The caller asks for room first.");
        _reserved = entries;
        var offset = _used;
        header.WriteTo(_memory.Bytes[offset..]);
        _used += RecordHeader.Size;
        RequestBytes += header.Length;
        Records++;
        Volatile.Write(ref _newestUnixNano, header.ReceivedUnixNano);
        if (_oldestUnixNano == 0)
        {
            Volatile.Write(ref _oldestUnixNano, header.ReceivedUnixNano);
        }

        return offset;
    }

    /// <summary>Writes as much of <paramref name="rest"/> as fits and returns how much that was.</summary>
    public int Write(ReadOnlySpan<byte> rest)
    {
        var end = RecordsEnd;
        var length = Math.Min(rest.Length, end - _used);
        rest[..length].CopyTo(_memory.Bytes[_used..]);
        _used = Math.Min(_used + AlignToWord(length), end);
        return length;
    }

    /// <summary>Makes the record that began at <paramref name="offset"/> findable.</summary>
    public void Publish(int offset, ReadOnlySpan<TraceId> traceIds, TraceHash hash)
    {
        Debug.Assert(traceIds.Length == _reserved, "Room was reserved for exactly these.");
        var count = _published + traceIds.Length;
        var entries = _memory.LastWords(count)[..traceIds.Length];
        for (var i = 0; i < traceIds.Length; i++)
        {
            entries[^(i + 1)] = ((ulong)hash.Of(traceIds[i]) << 32) | (uint)offset;
        }

        _reserved = 0;
        Volatile.Write(ref _published, count);
    }

    /// <summary>Sorts the index; on the recorder's thread, which no request waits for.</summary>
    public void Seal()
    {
        lock (_index)
        {
            _memory.LastWords(_published).Sort();
            _sorted = true;
        }

        Volatile.Write(ref _sealed, true);
    }

    /// <summary>Adds the offsets of the records that may hold a trace of this hash, in order.</summary>
    public void Find(uint hash, List<int> offsets)
    {
        lock (_index)
        {
            var entries = _memory.LastWords(Volatile.Read(ref _published));
            if (_sorted)
            {
                for (var i = LowerBound(entries, (ulong)hash << 32); i < entries.Length && (uint)(entries[i] >> 32) == hash; i++)
                {
                    AddOnce(offsets, (int)entries[i]);
                }
            }
            else
            {
                for (var i = entries.Length - 1; i >= 0; i--)
                {
                    if ((uint)(entries[i] >> 32) == hash)
                    {
                        AddOnce(offsets, (int)entries[i]);
                    }
                }
            }
        }
    }

    public RecordHeader ReadHeader(int offset) => RecordHeader.Read(_memory.Bytes[offset..]);

    /// <summary>The part of the record's request that lies in this segment.</summary>
    public ReadOnlySpan<byte> FirstPart(int offset, int length)
    {
        var start = offset + RecordHeader.Size;
        return _memory.Bytes[start..Math.Min(start + length, _used)];
    }

    /// <summary>The part of a request begun in an earlier segment, of which <paramref name="rest"/> bytes are still missing.</summary>
    public ReadOnlySpan<byte> NextPart(int rest) => _memory.Bytes[..Math.Min(rest, size)];

    public void Dispose() => _memory.Dispose();

    private static int AlignToWord(int length) => (length + 7) & ~7;

    // One trace may stand in the list several times, when a request's spans are interleaved.
    private static void AddOnce(List<int> offsets, int offset)
    {
        if (offsets.Count == 0 || offsets[^1] != offset)
        {
            offsets.Add(offset);
        }
    }

    private static int LowerBound(ReadOnlySpan<ulong> entries, ulong key)
    {
        var low = 0;
        var high = entries.Length;
        while (low < high)
        {
            var middle = (int)((uint)(low + high) >> 1);
            if (entries[middle] < key)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
