namespace OtlpTap.Client;

/// <summary>Lines of a stream of server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html</summary>
internal sealed class EventReader(Stream stream)
{
    /// <summary>More advice than any tap tells.</summary>
    private const int LineBytesMax = 4 << 20;

    private byte[] _buffer = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>The data of an event, null for a comment or another line, which shows no more than that the stream lives.</summary>
    /// <exception cref="EndOfStreamException">It has ended.</exception>
    /// <exception cref="FormatException">A line is too long.</exception>
    public async Task<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellation)
    {
        var line = await ReadLineAsync(cancellation).ConfigureAwait(false);
        if (!line.Span.StartsWith("data:"u8))
        {
            return null; // not in one expression: `null` would become an empty Memory
        }

        return line["data:".Length..];
    }

    // Valid until the next one.
    private async Task<ReadOnlyMemory<byte>> ReadLineAsync(CancellationToken cancellation)
    {
        var looked = 0;
        while (true)
        {
            var length = _buffer.AsSpan(_start + looked, _end - _start - looked).IndexOf((byte)'\n');
            if (length >= 0)
            {
                var line = _buffer.AsMemory(_start, looked + length);
                _start += line.Length + 1;
                return line;
            }

            looked = _end - _start;
            MakeRoom();
            var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellation).ConfigureAwait(false);
            _end += read > 0 ? read : throw new EndOfStreamException("the tap ended the stream");
        }
    }

    private void MakeRoom()
    {
        var left = _buffer.AsSpan(_start, _end - _start);
        if (left.Length > LineBytesMax)
        {
            throw new FormatException($"a line of the stream has more than {LineBytesMax} bytes");
        }

        var larger = _end == _buffer.Length && left.Length > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
        left.CopyTo(larger);
        (_end, _start, _buffer) = (left.Length, 0, larger);
    }
}
