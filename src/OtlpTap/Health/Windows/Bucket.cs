namespace OtlpTap.Health.Windows;

/// <summary>What happened to one of whom health is known in some seconds. As large as what happened.</summary>
internal sealed class Bucket(long number)
{
    private const int ObjectBytes = 144;

    private Calls? _tools;
    private Calls? _models;
    private Calls? _runs;
    private Tally? _failures;
    private Scores? _scores;

    /// <summary>How many of its width went before, since the tap started.</summary>
    public long Number => number;

    /// <summary>Traces in which an agent's step came by for the first time: what failures of runs are a share of.</summary>
    public long Traces { get; set; }

    public long Positive { get; set; }

    public long Neutral { get; set; }

    public long Negative { get; set; }

    public long InputTokens { get; set; }

    public long OutputTokens { get; set; }

    public int Bytes => ObjectBytes + (_tools?.Bytes ?? 0) + (_models?.Bytes ?? 0) + (_runs?.Bytes ?? 0) + (_failures?.Bytes ?? 0) + (_scores?.Bytes ?? 0);

    public Calls Of(HealthSubject subject) => subject switch
    {
        HealthSubject.Tool => _tools ??= new Calls(),
        HealthSubject.Llm => _models ??= new Calls(),
        _ => _runs ??= new Calls(),
    };

    public Calls? Find(HealthSubject subject) => subject switch
    {
        HealthSubject.Tool => _tools,
        HealthSubject.Llm => _models,
        _ => _runs,
    };

    public void FailedWith(int kind) => (_failures ??= new Tally()).Add((ushort)kind);

    public long FailuresOf(int kind) => _failures?.Of(kind) ?? 0;

    public void Scored(int metric, double score) => (_scores ??= new Scores()).Add(metric, score);

    public (long Count, double Sum) ScoresOf(int metric) => _scores?.Of(metric) ?? (0, 0);

    public void AddTo(Bucket other)
    {
        other.Traces += Traces;
        other.Positive += Positive;
        other.Neutral += Neutral;
        other.Negative += Negative;
        other.InputTokens += InputTokens;
        other.OutputTokens += OutputTokens;
        _tools?.AddTo(other.Of(HealthSubject.Tool));
        _models?.AddTo(other.Of(HealthSubject.Llm));
        _runs?.AddTo(other.Of(HealthSubject.Run));
        _failures?.AddTo(other._failures ??= new Tally());
        _scores?.AddTo(other._scores ??= new Scores());
    }
}
