using System.Diagnostics;
using OtlpTap.Scan;
using OtlpTap.Wire;

namespace OtlpTap.Tag;

/// <summary>
/// One forward copy with insertions. Matches lie in the order of the bytes, so those of one scope, and the scopes of
/// one resource, are neighbours: each message that encloses some is measured first and then written from its first
/// match to its last. Sizes are 64 bits wide until the whole is known to fit.
/// </summary>
internal ref struct Splice
{
    private readonly ReadOnlySpan<byte> _original;
    private readonly ReadOnlySpan<SpanMatch> _matches;
    private readonly ReadOnlySpan<int> _tagLengths;
    private readonly ScanResult _scan;

    private Span<byte> _destination;
    private int _read;
    private int _written;

    /// <param name="tagLengths">For each match the length of its attributes, 0 where nothing is to be added.</param>
    public Splice(ReadOnlySpan<byte> original, ScanResult scan, ReadOnlySpan<int> tagLengths)
    {
        _original = original;
        _scan = scan;
        _matches = scan.Matches;
        _tagLengths = tagLengths;
    }

    public readonly long TaggedLength()
    {
        long length = _original.Length;
        for (var first = 0; first < _matches.Length; first = EndOfResource(first))
        {
            length += GrowthOf(_matches[first].ResourceSpansTagOffset, ResourceGrowth(first));
        }

        return length;
    }

    public void Write(Span<byte> destination)
    {
        _destination = destination;
        for (var first = 0; first < _matches.Length; first = EndOfResource(first))
        {
            WriteResource(first);
        }

        CopyTo(_original.Length);
        Debug.Assert(_written == destination.Length, "The tagged request has another length than was measured.");
    }

    private void WriteResource(int first)
    {
        var growth = ResourceGrowth(first);
        if (growth == 0)
        {
            return;
        }

        WriteGrown(_matches[first].ResourceSpansTagOffset, growth);
        var end = EndOfResource(first);
        while (first < end)
        {
            WriteScope(first);
            first = EndOfScope(first);
        }
    }

    private void WriteScope(int first)
    {
        var growth = ScopeGrowth(first);
        if (growth == 0)
        {
            return;
        }

        WriteGrown(_matches[first].ScopeSpansTagOffset, growth);
        for (var end = EndOfScope(first); first < end; first++)
        {
            if (_tagLengths[first] > 0)
            {
                ref readonly var match = ref _matches[first];
                WriteGrown(match.SpanTagOffset, _tagLengths[first]);
                CopyTo(match.SpanOffset + match.SpanLength);
                TagAttributes.Write(_destination.Slice(_written, _tagLengths[first]), _original, _scan, in match);
                _written += _tagLengths[first];
            }
        }
    }

    /// <summary>Copies up to a message's length prefix and writes the new one in its place.</summary>
    private void WriteGrown(int tagOffset, long growth)
    {
        var prefix = LengthPrefix(tagOffset, out var bodyOffset, out var length);
        CopyTo(prefix);
        _written += ProtoWriter.WriteVarint(_destination[_written..], (ulong)(length + growth));
        _read = bodyOffset;
    }

    private void CopyTo(int offset)
    {
        var chunk = _original[_read..offset];
        chunk.CopyTo(_destination[_written..]);
        _read = offset;
        _written += chunk.Length;
    }

    /// <summary>By how much the body of the resource around match <paramref name="first"/> grows.</summary>
    private readonly long ResourceGrowth(int first)
    {
        long growth = 0;
        for (var end = EndOfResource(first); first < end; first = EndOfScope(first))
        {
            growth += GrowthOf(_matches[first].ScopeSpansTagOffset, ScopeGrowth(first));
        }

        return growth;
    }

    private readonly long ScopeGrowth(int first)
    {
        long growth = 0;
        for (var end = EndOfScope(first); first < end; first++)
        {
            growth += GrowthOf(_matches[first].SpanTagOffset, _tagLengths[first]);
        }

        return growth;
    }

    /// <summary>
    /// By how much a field grows when its body does: by that, and by what the length prefix gains. A prefix that was
    /// longer than needed loses instead.
    /// </summary>
    private readonly long GrowthOf(int tagOffset, long bodyGrowth)
    {
        if (bodyGrowth == 0)
        {
            return 0;
        }

        var prefix = LengthPrefix(tagOffset, out var bodyOffset, out var length);
        return bodyGrowth + ProtoWriter.VarintLength((ulong)(length + bodyGrowth)) - (bodyOffset - prefix);
    }

    /// <summary>Where the length prefix of the field at <paramref name="tagOffset"/> starts; the scan has read it before.</summary>
    private readonly int LengthPrefix(int tagOffset, out int bodyOffset, out long length)
    {
        var offset = tagOffset;
        var read = ProtoReader.TryReadVarint(_original, ref offset, out _);
        var prefix = offset;
        read &= ProtoReader.TryReadVarint(_original, ref offset, out var value);
        Debug.Assert(read, "A match points at something else than a field.");
        bodyOffset = offset;
        length = (long)value;
        return prefix;
    }

    private readonly int EndOfResource(int first)
    {
        var offset = _matches[first].ResourceSpansTagOffset;
        while (first < _matches.Length && _matches[first].ResourceSpansTagOffset == offset)
        {
            first++;
        }

        return first;
    }

    private readonly int EndOfScope(int first)
    {
        var offset = _matches[first].ScopeSpansTagOffset;
        while (first < _matches.Length && _matches[first].ScopeSpansTagOffset == offset)
        {
            first++;
        }

        return first;
    }
}
