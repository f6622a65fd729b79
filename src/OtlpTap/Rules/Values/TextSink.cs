using OtlpTap.Rules.Patterns;

namespace OtlpTap.Rules.Values;

/// <summary>Gathers the small pieces of a text, so that a pattern gets few and larger ones. Every piece is whole characters.</summary>
internal ref struct TextSink(Pattern pattern, Span<byte> buffer) : IDisposable
{
    /// <summary>Holds the finish reasons of a response and most other short lists whole.</summary>
    public const int Length = 128;

    private readonly Span<byte> _buffer = buffer;
    private PatternRun _run = new(pattern);
    private int _count;

    public void Add(scoped ReadOnlySpan<byte> piece)
    {
        if (piece.Length > _buffer.Length - _count)
        {
            Flush();
            if (piece.Length > _buffer.Length)
            {
                _run.Feed(piece);
                return;
            }
        }

        piece.CopyTo(_buffer[_count..]);
        _count += piece.Length;
    }

    /// <summary>The text is over: did it match?</summary>
    public bool End()
    {
        Flush();
        return _run.End();
    }

    public void Dispose() => _run.Dispose();

    private void Flush()
    {
        _run.Feed(_buffer[.._count]);
        _count = 0;
    }
}
