using System.Diagnostics;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using OtlpTap.Otlp;

namespace OtlpTap.Recorder;

/// <summary>
/// One fixed piece of the ring. Records grow from the front, the index from the back:
/// <code>
///   | record | record | record ...  ->      free      &lt;-  ... entry | entry | entry |
/// </code>
/// An entry is 8 bytes, (hash of a trace id) &lt;&lt; 32 | (offset of the record), one for each trace id in the scan's list.
/// While the segment is open its entries stand in order of arrival, the newest at the lowest address; sealing sorts
/// them in place for binary search. So the index takes nothing beside the ring but the bits of <see cref="SegmentSieve"/>, and no trace costs an object.
/// <para>
/// A request that does not fit goes on at the start of the next segments; its entries stand here, where it begins.
/// </para>
/// </summary>
internal sealed class Segment(SegmentMemory memory) : IDisposable
{
    private const int EntryBytes = sizeof(ulong);

    // Less than this of a request is not worth starting a record for: the rest of the segment stays unused.
    private const int FirstPartBytesMin = 64;

    private readonly int _size = memory.Bytes.Length;

    // The one writer alone: entries of the record being written.
    private int _reserved;

    // Written by the writer before _published is; read by anybody after it.
    private int _used;
    private int _published;

    // Of this use of the file; 0 in anonymous memory.
    private ulong _marker;

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

    /// <summary>The file that a restart finds again; null in anonymous memory.</summary>
    public string? Path => memory.Path;

    public long SizeBytes => _size;

    /// <summary>An earlier process filled it: what stands there is checked before it is believed, and its file is not filled again.</summary>
    public bool IsRecovered { get; private set; }

    /// <summary>Set when nothing will be added; only sealed segments are overwritten.</summary>
    public bool IsSealed => Volatile.Read(ref _sealed);

    /// <summary>Bytes of the requests whose records begin here.</summary>
    public long RequestBytes { get; private set; }

    public int Records { get; private set; }

    /// <summary>When the first and the last request that begin here were received; 0 when none does.</summary>
    public long OldestUnixNano => Volatile.Read(ref _oldestUnixNano);

    public long NewestUnixNano => Volatile.Read(ref _newestUnixNano);

    /// <summary>How much of its start belongs to a record of an earlier segment.</summary>
    public int Continued { get; private set; }

    /// <summary>The same as its file's header has it, also before the segment was restored.</summary>
    public int ContinuedInFile => SegmentHeader.Read(memory.Header, _size, out var header, out _) is SegmentState.Open or SegmentState.Sealed ? header.Continued : 0;

    /// <summary>Bytes that neither records nor index take.</summary>
    public int FreeBytes => RecordsEnd - _used;

    // Where the index begins and records must end.
    private int RecordsEnd => _size - (EntryBytes * (_published + _reserved));

    /// <summary>Empties it for another round.</summary>
    /// <param name="continued">Bytes of a record begun earlier that it begins with.</param>
    public void Reuse(long sequence, int continued, in TraceHash hash)
    {
        Debug.Assert(Readers == 0 && !IsRecovered, "A segment is used again only when nobody reads it, and only by who made it.");
        Continued = Math.Min(continued, _size);
        if (memory.Path is not null)
        {
            Span<ulong> marker = stackalloc ulong[1];
            RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(marker));
            _marker = marker[0];
            new SegmentHeader(hash, _marker, sequence, Continued).WriteTo(memory.Header, _size);
        }

        Clear(sequence);
    }

    /// <summary>What it holds is of no use any more, to a restart neither.</summary>
    public void Forget()
    {
        IsEvicted = true;
        if (memory.Path is not null)
        {
            SegmentHeader.WriteUnused(memory.Header);
        }
    }

    public uint ChecksumOf(ReadOnlySpan<byte> stored) => memory.Path is null ? 0 : (uint)XxHash3.HashToUInt64(stored, (long)_marker);

    public bool HasRoomForStart(int entries) =>
        RecordsEnd - _used >= RecordHeader.Size + FirstPartBytesMin + (EntryBytes * entries);

    /// <summary>Starts a record; nobody sees it before <see cref="Publish"/>. Returns its offset.</summary>
    public int Begin(in RecordHeader header, int entries)
    {
        Debug.Assert(HasRoomForStart(entries), "The caller asks for room first.");
        _reserved = entries;
        var offset = _used;
        var start = offset + RecordHeader.Size;
        (header with { FirstPartLength = Math.Min(header.Length, RecordsEnd - start) }).WriteTo(memory.Bytes[offset..]);
        _used = start;
        Count(header);
        return offset;
    }

    /// <summary>Writes as much of <paramref name="rest"/> as fits and returns how much that was.</summary>
    public int Write(ReadOnlySpan<byte> rest)
    {
        var end = RecordsEnd;
        var length = Math.Min(rest.Length, end - _used);
        rest[..length].CopyTo(memory.Bytes[_used..]);
        _used = Math.Min(_used + AlignToWord(length), end);
        return length;
    }

    /// <summary>Makes the record that began at <paramref name="offset"/> findable.</summary>
    public void Publish(int offset, ReadOnlySpan<TraceId> traceIds, in TraceHash hash, SegmentSieve sieve)
    {
        Debug.Assert(traceIds.Length == _reserved, "Room was reserved for exactly these.");
        if (memory.Path is not null)
        {
            RecordHeader.WriteChecksum(memory.Bytes[offset..], _marker, offset);
        }

        var count = _published + traceIds.Length;
        var entries = memory.LastWords(count)[..traceIds.Length];
        for (var i = 0; i < traceIds.Length; i++)
        {
            var one = hash.Of(traceIds[i]);
            entries[^(i + 1)] = ((ulong)one << 32) | (uint)offset;
            sieve.Add(Sequence, one);
        }

        _reserved = 0;
        Volatile.Write(ref _published, count);
    }

    /// <summary>Sorts the index; on the recorder's thread, which no request waits for.</summary>
    public void Seal()
    {
        lock (_index)
        {
            memory.LastWords(_published).Sort();
            _sorted = true;
        }

        if (memory.Path is not null)
        {
            var seal = new SegmentSeal(_used, _published, Records, RequestBytes, _oldestUnixNano, _newestUnixNano, IndexChecksum(_published));
            SegmentHeader.WriteSeal(memory.Header, seal, _marker);
        }

        Volatile.Write(ref _sealed, true);
    }

    /// <summary>Adds the offsets of the records that may hold a trace of this hash, in order.</summary>
    public void Find(uint hash, List<int> offsets)
    {
        lock (_index)
        {
            var entries = memory.LastWords(Volatile.Read(ref _published));
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

    /// <summary>Tells of all traces that it holds, as <see cref="Publish"/> does of each.</summary>
    public void AddTo(SegmentSieve sieve)
    {
        foreach (var entry in memory.LastWords(_published))
        {
            sieve.Add(Sequence, (uint)(entry >> 32));
        }
    }

    /// <summary>Adds the offsets of all records, in order.</summary>
    public void FindAll(List<int> offsets)
    {
        lock (_index)
        {
            foreach (var entry in memory.LastWords(Volatile.Read(ref _published)))
            {
                offsets.Add((int)entry);
            }
        }

        offsets.Sort();
        offsets.RemoveRange(0, offsets.Count - Deduplicate(offsets));
    }

    /// <summary>False where an earlier process left something else than a record.</summary>
    public bool TryReadHeader(int offset, out RecordHeader header)
    {
        if (IsRecovered)
        {
            return RecordHeader.TryRead(memory.Bytes[offset..], _marker, offset, out header);
        }

        header = RecordHeader.Read(memory.Bytes[offset..]);
        return true;
    }

    /// <summary>Whether the bytes are those that were recorded; for what an earlier process left.</summary>
    public bool IsIntact(in RecordHeader header, ReadOnlySpan<byte> stored) => !IsRecovered || header.BodyChecksum == ChecksumOf(stored);

    /// <summary>The part of the record's request that lies in this segment.</summary>
    public ReadOnlySpan<byte> FirstPart(int offset, in RecordHeader header) =>
        memory.Bytes.Slice(offset + RecordHeader.Size, header.FirstPartLength);

    /// <summary>The part of a request begun in an earlier segment, of which <paramref name="rest"/> bytes are still missing.</summary>
    public ReadOnlySpan<byte> NextPart(int rest) => memory.Bytes[..Math.Min(rest, _size)];

    /// <summary>Takes over what an earlier process left. False: its index is to be built anew, by <see cref="BeginRebuild"/> and what follows.</summary>
    /// <param name="seal">Null where it was not sealed.</param>
    public bool TryRestore(in SegmentHeader header, SegmentSeal? seal)
    {
        Clear(header.Sequence);
        IsRecovered = true;
        Continued = header.Continued;
        _marker = header.Marker;
        if (seal is not { } known || known.IndexChecksum != IndexChecksum(known.Entries))
        {
            return false;
        }

        (_used, _published, Records, RequestBytes) = (known.Used, known.Entries, known.Records, known.RequestBytes);
        (_oldestUnixNano, _newestUnixNano) = (known.OldestUnixNano, known.NewestUnixNano);
        _sorted = true;
        _sealed = true;
        return true;
    }

    /// <summary>Forgets the index, for <see cref="TryFindRecord"/> and <see cref="AddRecovered"/> to find all again.</summary>
    public void BeginRebuild()
    {
        SegmentHeader.BreakSeal(memory.Header);
        Clear(Sequence);
        _used = Math.Min(AlignToWord(Continued), _size);
    }

    /// <summary>The next record at or behind <paramref name="offset"/>.</summary>
    public bool TryFindRecord(int offset, out int at, out RecordHeader header)
    {
        for (at = offset; at + RecordHeader.Size <= _size; at += EntryBytes)
        {
            if (RecordHeader.TryRead(memory.Bytes[at..], _marker, at, out header))
            {
                return true;
            }
        }

        header = default;
        return false;
    }

    /// <summary>A record of an earlier process, whole.</summary>
    public void AddRecovered(int offset, in RecordHeader header, ReadOnlySpan<TraceId> traceIds, in TraceHash hash)
    {
        _used = offset + header.SizeInSegment;
        var room = (_size - Math.Min(_used, _size)) / EntryBytes;
        traceIds = traceIds[..Math.Min(traceIds.Length, Math.Max(0, room - _published))];
        var count = _published + traceIds.Length;
        var entries = memory.LastWords(count)[..traceIds.Length];
        for (var i = 0; i < traceIds.Length; i++)
        {
            entries[^(i + 1)] = ((ulong)hash.Of(traceIds[i]) << 32) | (uint)offset;
        }

        _published = count;
        _used = Math.Min(_used, _size - (EntryBytes * count));
        Count(header);
    }

    /// <summary>From here to the index nothing is left of what was there.</summary>
    public int TailOffset => _used;

    public int TailLength => RecordsEnd - _used;

    public void Dispose() => memory.Dispose();

    private void Clear(long sequence)
    {
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

    private void Count(in RecordHeader header)
    {
        RequestBytes += header.Length;
        Records++;
        Volatile.Write(ref _newestUnixNano, header.ReceivedUnixNano);
        if (_oldestUnixNano == 0)
        {
            Volatile.Write(ref _oldestUnixNano, header.ReceivedUnixNano);
        }
    }

    private ulong IndexChecksum(int entries) =>
        XxHash3.HashToUInt64(MemoryMarshal.AsBytes(memory.LastWords(entries)), (long)_marker);

    private static int Deduplicate(List<int> sorted)
    {
        // Moves the different ones to the end.
        var at = sorted.Count;
        for (var i = sorted.Count - 1; i >= 0; i--)
        {
            if (at == sorted.Count || sorted[at] != sorted[i])
            {
                sorted[--at] = sorted[i];
            }
        }

        return sorted.Count - at;
    }

    private static int AlignToWord(int length) => (length + 7) & ~7;

    // One trace may stand in the list several times, when a request's spans are interleaved.
    private static void AddOnce(List<int> offsets, int offset)
    {
        if (offsets.Count == 0 || offsets[^1] != offset)
        {
            offsets.Add(offset);
        }
    }

    // Hashes are spread evenly: the place is guessed from the hash, and the range around the guess widened until it holds it.
    // Entries are in no cache: this touches two or three places where halving touches ten.
    private static int LowerBound(ReadOnlySpan<ulong> entries, ulong key)
    {
        var (low, high) = (0, 0);
        var step = 8;
        var guess = (int)(((key >> 32) * (ulong)entries.Length) >> 32);
        if (guess < entries.Length && entries[guess] < key)
        {
            low = guess + 1;
            high = low + step;
            while (high < entries.Length && entries[high] < key)
            {
                low = high + 1;
                high = low + (step *= 2);
            }
        }
        else
        {
            high = guess;
            low = high - step;
            while (low > 0 && entries[low] >= key)
            {
                high = low;
                low = high - (step *= 2);
            }
        }

        return Halve(entries, key, Math.Max(0, low), Math.Min(entries.Length, high));
    }

    private static int Halve(ReadOnlySpan<ulong> entries, ulong key, int low, int high)
    {
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
