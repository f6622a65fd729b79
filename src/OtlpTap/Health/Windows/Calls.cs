namespace OtlpTap.Health.Windows;

/// <summary>Calls of a tool or a model, or runs, in one bucket.</summary>
internal sealed class Calls
{
    private const int ObjectBytes = 64;

    private Tally? _kinds;
    private Tally? _latencies;

    public long Count { get; private set; }

    public long Errors { get; private set; }

    public int Bytes => ObjectBytes + (_kinds?.Bytes ?? 0) + (_latencies?.Bytes ?? 0);

    public void Called() => Count++;

    /// <param name="kind">Negative: of no kind.</param>
    public void Failed(int kind)
    {
        Errors++;
        if (kind >= 0)
        {
            (_kinds ??= new Tally()).Add((ushort)kind);
        }
    }

    /// <param name="place">On the <see cref="LatencyScale"/>.</param>
    public void Took(ushort place) => (_latencies ??= new Tally()).Add(place);

    public long ErrorsOf(int kind) => _kinds?.Of(kind) ?? 0;

    public void AddLatenciesTo(Span<long> counts) => _latencies?.AddTo(counts);

    public void AddTo(Calls other)
    {
        other.Count += Count;
        other.Errors += Errors;
        _kinds?.AddTo(other._kinds ??= new Tally());
        _latencies?.AddTo(other._latencies ??= new Tally());
    }
}
