using System.Diagnostics;
using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Validate;

/// <summary>
/// One forward copy with the edits made. A field in which an edit lies is a message around it: its length is written
/// anew, in its shortest form; all else is copied as it stands. Measured first, with the new lengths noted in the order
/// in which the second walk asks for them. It knows no schema but that edits lie in messages, and is no deeper than
/// what <see cref="ValidityWalk"/> has walked.
/// </summary>
internal ref struct Rewrite
{
    private const uint DroppedLinksCount = ((uint)OtlpFields.Span.DroppedLinksCount << 3) | (uint)WireType.Varint;

    private readonly ReadOnlySpan<byte> _request;
    private readonly ReadOnlySpan<Edit> _edits;
    private readonly List<long> _lengths = [];

    // Where the walk stands.
    private int _edit;
    private int _length;

    private Span<byte> _destination;
    private int _read;
    private int _written;

    public Rewrite(ReadOnlySpan<byte> request, ReadOnlySpan<Edit> edits)
    {
        _request = request;
        _edits = edits;
    }

    /// <summary>How long the request becomes; to be asked before <see cref="Write"/>.</summary>
    public long Measure()
    {
        _edit = 0;
        _lengths.Clear();
        return Measure(0, _request.Length);
    }

    public void Write(Span<byte> destination)
    {
        _destination = destination;
        _edit = 0;
        _length = 0;
        Write(0, _request.Length);
        CopyTo(_request.Length);
        Debug.Assert(_written == destination.Length, "The request has another length than was measured.");
    }

    private long Measure(int start, int end)
    {
        long length = end - start;
        var reader = new ProtoReader(_request, start, end);
        while (HasEditBefore(end) && reader.Next())
        {
            ref readonly var edit = ref _edits[_edit];
            if (edit.Start >= reader.ValueEnd)
            {
                continue;
            }

            if (edit.Start == reader.FieldOffset)
            {
                length += LengthOf(in edit) - (edit.End - edit.Start);
                reader = new ProtoReader(_request, edit.End, end);
                _edit++;
                continue;
            }

            var slot = _lengths.Count;
            _lengths.Add(0);
            var inner = Measure(reader.ValueOffset, reader.ValueEnd);
            _lengths[slot] = inner;
            length += inner + ProtoWriter.VarintLength((ulong)inner) - (reader.ValueEnd - LengthPrefix(reader.FieldOffset));
        }

        return length;
    }

    private void Write(int start, int end)
    {
        var reader = new ProtoReader(_request, start, end);
        while (HasEditBefore(end) && reader.Next())
        {
            ref readonly var edit = ref _edits[_edit];
            if (edit.Start >= reader.ValueEnd)
            {
                continue;
            }

            if (edit.Start == reader.FieldOffset)
            {
                Write(in edit, reader.ValueOffset);
                reader = new ProtoReader(_request, edit.End, end);
                _edit++;
                continue;
            }

            CopyTo(LengthPrefix(reader.FieldOffset));
            _written += ProtoWriter.WriteVarint(_destination[_written..], (ulong)_lengths[_length++]);
            _read = reader.ValueOffset;
            Write(reader.ValueOffset, reader.ValueEnd);
        }
    }

    private void Write(in Edit edit, int valueOffset)
    {
        CopyTo(edit.Start);
        switch (edit.Kind)
        {
            case EditKind.MendText:
                var text = _request[valueOffset..edit.End];
                CopyTo(LengthPrefix(edit.Start));
                _written += ProtoWriter.WriteVarint(_destination[_written..], (ulong)MendedText.Length(text));
                _written += MendedText.Write(text, _destination[_written..]);
                break;

            case EditKind.DroppedLinksCount:
                _written += ProtoWriter.WriteVarint(_destination[_written..], DroppedLinksCount);
                _written += ProtoWriter.WriteVarint(_destination[_written..], edit.Value);
                break;
        }

        _read = edit.End;
    }

    private readonly long LengthOf(in Edit edit)
    {
        switch (edit.Kind)
        {
            case EditKind.MendText:
                var prefix = LengthPrefix(edit.Start);
                var offset = prefix;
                _ = ProtoReader.TryReadVarint(_request, ref offset, out _);
                var mended = MendedText.Length(_request[offset..edit.End]);
                return prefix - edit.Start + ProtoWriter.VarintLength((ulong)mended) + mended;

            case EditKind.DroppedLinksCount:
                return ProtoWriter.VarintLength(DroppedLinksCount) + ProtoWriter.VarintLength(edit.Value);

            default:
                return 0;
        }
    }

    private readonly bool HasEditBefore(int end) => _edit < _edits.Length && _edits[_edit].Start < end;

    /// <summary>Behind the tag of the field at <paramref name="fieldOffset"/>, which has been read before.</summary>
    private readonly int LengthPrefix(int fieldOffset)
    {
        var read = ProtoReader.TryReadVarint(_request, ref fieldOffset, out _);
        Debug.Assert(read, "An edit points at something else than a field.");
        return fieldOffset;
    }

    private void CopyTo(int offset)
    {
        var chunk = _request[_read..offset];
        chunk.CopyTo(_destination[_written..]);
        _read = offset;
        _written += chunk.Length;
    }
}
