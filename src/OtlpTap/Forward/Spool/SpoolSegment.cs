using System.Buffers.Binary;
using System.Globalization;
using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>What reading the body of a record came to.</summary>
internal enum RecordBody
{
    Intact,
    Damaged,
}

/// <summary>
/// One file of the spool. The writer appends to the newest; the reader goes through them, oldest first, and never beyond
/// <see cref="ReadableLength"/>.
/// </summary>
internal sealed class SpoolSegment(ulong number, string path, ulong marker) : IDisposable
{
    public const string Extension = ".spool";
    public const string AsideExtension = ".corrupt";

    // Where a record is searched for behind damaged bytes.
    private const int SearchBytes = 64 << 10;

    private long _readableLength = SegmentHeader.Length;
    private volatile bool _isSealed;
    private volatile bool _isRecovered = true;

    public ulong Number => number;

    public string Path => path;

    public ulong Marker => marker;

    /// <summary>Open while it is looked at: a spool may have more segments than a process may have files. By the reader alone.</summary>
    public ISpoolFile? File { get; set; }

    /// <summary>Up to here everything is durable, and may be delivered.</summary>
    public long ReadableLength
    {
        get => Volatile.Read(ref _readableLength);
        set => Volatile.Write(ref _readableLength, value);
    }

    /// <summary>Nothing is appended any more.</summary>
    public bool IsSealed
    {
        get => _isSealed;
        set => _isSealed = value;
    }

    /// <summary>False for what an earlier run left, until it was looked through: the reader waits for that.</summary>
    public bool IsRecovered
    {
        get => _isRecovered;
        set => _isRecovered = value;
    }

    /// <summary>Bytes on disk, as counted for the spool's bound. Under the spool's lock.</summary>
    public long FileLength { get; set; } = SegmentHeader.Length;

    /// <summary>Durable records not delivered or discarded yet. Under the spool's lock.</summary>
    public int RecordsLeft { get; set; }

    /// <summary>Where the reader begins: what stands before was delivered by an earlier run.</summary>
    public long StartOffset { get; init; } = SegmentHeader.Length;

    /// <summary>Records that the reader has given out and that are neither delivered nor discarded. By the reader alone.</summary>
    public int RecordsOut { get; set; }

    /// <summary>Something in it cannot be read: it is kept aside when the rest was delivered. By the reader alone.</summary>
    public bool IsDamaged { get; set; }

    /// <summary>The reader has seen all of it. By the reader alone.</summary>
    public bool IsReadToEnd { get; set; }

    public static string FileName(ulong number) => number.ToString("D20", CultureInfo.InvariantCulture) + Extension;

    /// <summary>The first readable record at or behind <paramref name="from"/>; <paramref name="at"/> is the end where there is none.</summary>
    public bool TryFind(long from, out long at, out RecordHeader header)
    {
        var end = ReadableLength;
        Span<byte> bytes = stackalloc byte[RecordHeader.Length];
        if (TryReadHeader(from, end, bytes, out header))
        {
            at = from;
            return true;
        }

        var found = from < end ? Search(from + 1, end) : -1;
        at = found < 0 ? end : found;
        return found >= 0 && TryReadHeader(found, end, bytes, out header);
    }

    /// <summary>Whether metadata and message are what was written, without keeping them.</summary>
    public bool IsBodyIntact(long at, in RecordHeader header)
    {
        Span<byte> chunk = stackalloc byte[4096];
        var crc = 0u;
        var offset = at + RecordHeader.Length;
        var left = header.RecordLength - RecordHeader.Length;
        while (left > 0)
        {
            var part = chunk[..(int)Math.Min(left, chunk.Length)];
            if (File!.Read(part, offset) < part.Length)
            {
                return false;
            }

            crc = Crc32C.Continue(crc, part);
            offset += part.Length;
            left -= part.Length;
        }

        return crc == header.BodyChecksum;
    }

    /// <summary>Reads a record's message into a payload from <paramref name="pool"/>, of which the caller then holds the one reference.</summary>
    public RecordBody Read(long at, in RecordHeader header, PayloadPool pool, out Payload? payload, out RequestMetadata metadata)
    {
        var metadataBytes = new byte[header.MetadataLength];
        payload = pool.Rent(header.MessageLength);
        metadata = RequestMetadata.Empty;
        var isRead = false;
        try
        {
            var offset = at + RecordHeader.Length;
            isRead = File!.Read(metadataBytes, offset) == metadataBytes.Length
                && File!.Read(payload.Writable, offset + metadataBytes.Length) == header.MessageLength
                && Crc32C.Continue(Crc32C.Of(metadataBytes), payload.Span) == header.BodyChecksum
                && RecordMetadata.TryRead(metadataBytes, out metadata);
        }
        finally
        {
            if (!isRead)
            {
                payload.Release();
                payload = null;
            }
        }

        if (payload is null)
        {
            return RecordBody.Damaged;
        }

        payload.ItemCount = header.ItemCount;
        return RecordBody.Intact;
    }

    public void Dispose() => Close();

    /// <summary>It can be opened again.</summary>
    public void Close()
    {
        File?.Dispose();
        File = null;
    }

    /// <summary>The forwarded headers alone, unchecked; empty where they cannot be read.</summary>
    public RequestMetadata ReadMetadata(long at, in RecordHeader header)
    {
        var bytes = new byte[header.MetadataLength];
        return File!.Read(bytes, at + RecordHeader.Length) == bytes.Length && RecordMetadata.TryRead(bytes, out var metadata) ? metadata : RequestMetadata.Empty;
    }

    private bool TryReadHeader(long at, long end, Span<byte> bytes, out RecordHeader header)
    {
        header = default;
        return at + RecordHeader.Length <= end
            && File!.Read(bytes, at) == bytes.Length
            && RecordHeader.TryRead(bytes, marker, out header)
            && at + header.RecordLength <= end;
    }

    private long Search(long from, long end)
    {
        var window = new byte[SearchBytes];
        Span<byte> wanted = stackalloc byte[RecordHeader.MarkerLength];
        BinaryPrimitives.WriteUInt64LittleEndian(wanted, marker);
        Span<byte> headerBytes = stackalloc byte[RecordHeader.Length];
        while (from + RecordHeader.Length <= end)
        {
            var read = File!.Read(window.AsSpan(0, (int)Math.Min(window.Length, end - from)), from);
            if (read < RecordHeader.MarkerLength)
            {
                return -1;
            }

            var searched = 0;
            while (window.AsSpan(searched, read - searched).IndexOf(wanted) is var index and >= 0)
            {
                if (TryReadHeader(from + searched + index, end, headerBytes, out _))
                {
                    return from + searched + index;
                }

                searched += index + 1;
            }

            // A marker may lie across the end of the window.
            from += read - RecordHeader.MarkerLength + 1;
        }

        return -1;
    }
}
