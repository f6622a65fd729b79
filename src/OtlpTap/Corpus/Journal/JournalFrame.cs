using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus.Journal;

/// <summary>Entries that are written to the journal at once.</summary>
internal sealed class JournalFrame
{
    private const int TextLengthMax = 16_384;

    private readonly ArrayBufferWriter<byte> _entries = new(4096);

    public bool IsEmpty => _entries.WrittenCount == 0;

    public int Length => _entries.WrittenCount;

    public void Clear() => _entries.Clear();

    public void Position(long position) => BinaryPrimitives.WriteInt64LittleEndian(Entry(EntryKind.Position, 8), position);

    public void Scheduled(Capture capture, long scheduledUnixNano)
    {
        var entry = Entry(EntryKind.Scheduled, 8 + TraceId.Length + 8 + 1);
        BinaryPrimitives.WriteUInt64LittleEndian(entry, capture.Number);
        capture.TraceId.WriteTo(entry[8..]);
        BinaryPrimitives.WriteInt64LittleEndian(entry[24..], scheduledUnixNano);
        entry[32] = capture.IsUpdate ? (byte)1 : (byte)0;
    }

    public void Judged(Capture capture, in Verdict verdict)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(Entry(EntryKind.Verdict, 8), capture.Number);
        WriteId(verdict.SpanId);
        WriteId(verdict.Origin);
        WriteText(verdict.Failure);
        WriteText(verdict.Rule);
        WriteText(verdict.Source);
        WriteText(verdict.Label);
        WriteText(verdict.Explanation);
        BinaryPrimitives.WriteDoubleLittleEndian(Room(8), verdict.Score ?? double.NaN);
        BinaryPrimitives.WriteInt32LittleEndian(Room(4), verdict.Evidence.Count);
        foreach (var piece in verdict.Evidence)
        {
            WriteText(piece);
        }

        if (verdict.Subject is not null || verdict.Aspect is not null)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(Entry(EntryKind.About, 8), capture.Number);
            WriteText(verdict.Subject);
            WriteText(verdict.Aspect);
        }
    }

    /// <param name="expiresUnixNano">Until when late spans are added; 0 when the trace is not remembered.</param>
    public void Ended(ulong number, in TraceId traceId, long expiresUnixNano)
    {
        var entry = Entry(EntryKind.Ended, 8 + TraceId.Length + 8);
        BinaryPrimitives.WriteUInt64LittleEndian(entry, number);
        traceId.WriteTo(entry[8..]);
        BinaryPrimitives.WriteInt64LittleEndian(entry[24..], expiresUnixNano);
    }

    /// <summary>Writes it with its header, in one write: a kill leaves all of it or nothing, a full disk a part, whose checksum is wrong.</summary>
    /// <returns>How many bytes that were.</returns>
    public int WriteTo(FileStream file, long position, ulong seed)
    {
        var length = JournalFormat.FrameHeaderLength + _entries.WrittenCount;
        var frame = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            BinaryPrimitives.WriteInt32LittleEndian(frame, _entries.WrittenCount);
            BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(4), JournalFormat.ChecksumOf(_entries.WrittenSpan, seed));
            _entries.WrittenSpan.CopyTo(frame.AsSpan(JournalFormat.FrameHeaderLength));
            RandomAccess.Write(file.SafeFileHandle, frame.AsSpan(0, length), position);
            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    private Span<byte> Entry(EntryKind kind, int length)
    {
        var room = Room(1 + length);
        room[0] = (byte)kind;
        return room[1..];
    }

    private Span<byte> Room(int length)
    {
        var room = _entries.GetSpan(length)[..length];
        _entries.Advance(length);
        return room;
    }

    private void WriteId(in SpanId id) => id.WriteTo(Room(SpanId.Length));

    // Null: a length of -1.
    private void WriteText(string? text)
    {
        if (text is null)
        {
            BinaryPrimitives.WriteInt32LittleEndian(Room(4), -1);
            return;
        }

        var cut = text.AsSpan(0, Math.Min(text.Length, TextLengthMax));
        var length = Encoding.UTF8.GetByteCount(cut);
        BinaryPrimitives.WriteInt32LittleEndian(Room(4), length);
        Encoding.UTF8.GetBytes(cut, Room(length));
    }
}
