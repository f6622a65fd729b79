using OtlpTap.Health;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Advice.Effect;

/// <summary>A step of a run that may have to do with its outcome. Times by the sender's clock.</summary>
internal readonly record struct OutcomeStep(SpanId SpanId, StepKind Kind, string Name, ulong Start, ulong End)
{
    public bool IsRoot { get; init; }

    /// <summary>A rule found a failure in it, or it repeats another's.</summary>
    public bool IsFailing { get; init; }

    public bool IsRepeated { get; init; }

    public bool IsAgent => Kind is StepKind.Agent or StepKind.Workflow;
}

/// <summary>A fallback that a run took.</summary>
/// <param name="At">When, as near to the tap's clock as is known.</param>
internal readonly record struct FallbackStep(SpanId SpanId, ulong Start, ulong At, string Advice, string AdviceId);

/// <summary>What was found behind the line.</summary>
/// <param name="IsOpinion">People's: it is on the run, whatever became of the step.</param>
internal readonly record struct LateFailure(SpanId SpanId, string Failure, bool IsOpinion, JudgedSpan? Judged);

/// <summary>
/// What is known of one trace of an agent: enough to say how it ended, which advice it had or was kept from, and to say it again
/// when more is known. For one thread at a time. Every list is bounded; what does not fit in is as good as bad news.
/// </summary>
internal sealed class RunRecord(TraceId traceId, DateTimeOffset seenAt)
{
    public const int StepsMax = 64;
    public const int FallbacksMax = 16;
    public const int ExposuresMax = 16;
    private const int LateMax = 32;
    private const int NamesMax = 8;
    public const int NameLengthMax = 200;

    // Objects, list heads, the places in the ledger's lists; and of each entry of a list.
    private const int RecordBytes = 480;
    private const int EntryBytes = 96;
    private const ulong DurationMax = 24 * 3600 * UnixTime.Second;

    private readonly List<string> _agents = [];
    private readonly HashSet<SpanId> _recovered = [];
    private ulong _outermostStart;
    private ulong _outermostEnd;
    private bool _hasRoot;

    // Of all that is kept, in characters. Kept up with: it is asked for with every span.
    private long _nameLength;

    public TraceId TraceId { get; } = traceId;

    /// <summary>By the tap's clock: the hour that it counts for.</summary>
    public DateTimeOffset SeenAt { get; } = seenAt;

    public string Service { get; private set; } = "";

    /// <summary>The first that was named, which is the outermost where that says its name.</summary>
    public string Agent { get; private set; } = "";

    public IReadOnlyList<string> Agents => _agents;

    /// <summary>Something of an agent's work was seen.</summary>
    public bool IsRun { get; private set; }

    public List<OutcomeStep> Steps { get; } = [];

    public List<FallbackStep> Fallbacks { get; } = [];

    public List<Exposure> Exposures { get; } = [];

    public List<LateFailure> Late { get; } = [];

    public IReadOnlySet<SpanId> Recovered => _recovered;

    /// <summary>More failed than is kept.</summary>
    public bool HasMoreFailures { get; private set; }

    /// <summary>Verdicts and scores that came for it.</summary>
    public int Judgements { get; private set; }

    public bool HasPraise { get; private set; }

    public bool HasBlame { get; private set; }

    /// <summary>Scores by evaluator's metric.</summary>
    public Dictionary<string, Score> Scores { get; } = [];

    /// <summary>When the first of its steps began, as near to the tap's clock as is known.</summary>
    public ulong Start { get; private set; }

    /// <summary>From the root's start to its end, or where no root came, the outermost agent's.</summary>
    public double? Seconds => _outermostEnd > _outermostStart && _outermostEnd - _outermostStart < DurationMax ? (_outermostEnd - _outermostStart) / 1e9 : null;

    /// <summary>What was last counted for it; null while it is open for the first time.</summary>
    public CountedRun? Counted { get; set; }

    /// <summary>When something of it came last, by the tap's timestamps.</summary>
    public long TouchedAt { get; set; }

    public long AccountedBytes { get; set; }

    public long Bytes => RecordBytes
        + (EntryBytes * (long)(Steps.Count + Fallbacks.Count + Exposures.Count + Late.Count + Scores.Count + _recovered.Count + (Counted?.Places.Count ?? 0)))
        + (2L * _nameLength);

    /// <returns>True: it is a fallback that was not known.</returns>
    /// <param name="at">When it began, as near to the tap's clock as is known.</param>
    public bool Take(in SpanFact fact, ulong at)
    {
        var isWork = fact.Kind is not (StepKind.Other or StepKind.Evaluator);
        IsRun |= isWork || fact.Fallback is not null;
        var isRoot = fact.ParentId.IsZero;
        if (fact.Kind == StepKind.Evaluator)
        {
            return false; // what it says of the run comes as a verdict; that it failed says nothing of the run
        }

        TakeNames(fact, isRoot);
        TakeTimes(fact, isRoot, at);
        TakeStep(fact, isRoot);
        return fact.Fallback is { } fallback && TakeFallback(fact, fallback, at);
    }

    public void Take(in Verdict verdict)
    {
        Judgements++;
        TakeScore(verdict.Rule, verdict.Source, verdict.Score);
        switch (verdict.Failure)
        {
            case FailureKind.Recovered:
                if (_recovered.Count < StepsMax)
                {
                    _recovered.Add(verdict.SpanId);
                }

                return;
            case FailureKind.PositiveFeedback:
                HasPraise = true;
                return;
            case FailureKind.Reported:
                return; // somebody wants the trace to be kept
        }

        var isOpinion = verdict.Source is VerdictSource.Feedback or VerdictSource.ImplicitFeedback;
        HasBlame |= isOpinion;
        var late = new LateFailure(verdict.SpanId, Cut(verdict.Failure), isOpinion, verdict.Judged is { } judged ? judged with { ResponseId = null } : null);
        if (!verdict.Origin.IsZero || Late.Exists(other => other.SpanId == late.SpanId && other.Failure == late.Failure && other.IsOpinion == isOpinion))
        {
            return;
        }

        if (Late.Count < LateMax)
        {
            Late.Add(late);
            _nameLength += late.Failure.Length + LengthOf(late.Judged);
        }
        else
        {
            HasMoreFailures = true;
        }
    }

    public void Take(in PassedScore score)
    {
        Judgements++;
        TakeScore(score.Rule, score.Source, score.Value);
    }

    /// <summary>Lets go of what only spans that are still to come could need: steps without a failure, of which most runs are made.</summary>
    public void Trim()
    {
        _nameLength -= LengthOf(Steps);
        Steps.RemoveAll(step => !step.IsFailing && !step.IsRoot && !step.IsAgent && !Late.Exists(late => late.SpanId == step.SpanId));
        Steps.TrimExcess();
        _nameLength += LengthOf(Steps);
    }

    public static string Cut(string name) => name.Cut(NameLengthMax);

    private static long LengthOf(List<OutcomeStep> steps) => steps.Sum(static step => (long)step.Name.Length);

    private static int LengthOf(JudgedSpan? judged) =>
        judged is null ? 0 : judged.Service.Length + (judged.Agent?.Length ?? 0) + (judged.Tool?.Length ?? 0) + (judged.Model?.Length ?? 0);

    // What people think is counted by its direction; of the tap's own checks the one of answers measures.
    private void TakeScore(string rule, string source, double? score)
    {
        var isMeasured = source is VerdictSource.Evaluation or VerdictSource.Judge || (source == VerdictSource.Detector && rule == HealthWindows.GroundingDetector);
        var metric = Cut(rule);
        if (isMeasured && score is { } value && ScoreScale.Has(value) && (Scores.Count < NamesMax || Scores.ContainsKey(metric)))
        {
            if (!Scores.TryGetValue(metric, out var known))
            {
                _nameLength += metric.Length;
            }

            Scores[metric] = new Score(known.Sum + value, known.Count + 1);
        }
    }

    private void TakeNames(in SpanFact fact, bool isRoot)
    {
        if (Service.Length == 0 || isRoot)
        {
            _nameLength -= Service.Length;
            Service = Cut(fact.Service);
            _nameLength += Service.Length;
        }

        if (fact.Agent.Length == 0)
        {
            return;
        }

        var agent = Cut(fact.Agent);
        if (_agents.Count < NamesMax && !_agents.Contains(agent))
        {
            _agents.Add(agent);
            _nameLength += agent.Length;
        }

        if (Agent.Length == 0 || (fact.Kind == StepKind.Agent && (isRoot || (fact.StartUnixNano > 0 && fact.StartUnixNano <= Start))))
        {
            Agent = agent;
        }
    }

    private void TakeTimes(in SpanFact fact, bool isRoot, ulong at)
    {
        Start = Start == 0 ? at : Math.Min(Start, at);
        var (start, end) = (fact.StartUnixNano, fact.EndUnixNano);
        if (start == 0)
        {
            return;
        }

        var isLonger = end > start && end - start > _outermostEnd - _outermostStart;
        if ((isRoot && !_hasRoot) || (isRoot == _hasRoot && isLonger && (isRoot || fact.Kind is StepKind.Agent or StepKind.Workflow)))
        {
            (_outermostStart, _outermostEnd) = (start, Math.Max(start, end));
            _hasRoot |= isRoot;
        }
    }

    private void TakeStep(in SpanFact fact, bool isRoot)
    {
        var isFailing = (fact.Failure is not null && !FailureKind.IsMark(fact.Failure)) || fact.IsRepeated;
        if (fact.Kind == StepKind.Other && !isFailing && !isRoot)
        {
            return;
        }

        // Half of the room is for what failed.
        var isFull = Steps.Count >= (isFailing || isRoot ? 2 * StepsMax : StepsMax);
        if ((isFull && !isFailing) || Knows(Steps, fact.SpanId, static step => step.SpanId))
        {
            return;
        }

        if (isFull)
        {
            HasMoreFailures = true;
            return;
        }

        var name = Cut(fact.Tool.Length > 0 ? fact.Tool : fact.Model.Length > 0 ? fact.Model : fact.Agent);
        Steps.Add(new OutcomeStep(fact.SpanId, fact.Kind, name, fact.StartUnixNano, fact.EndUnixNano) { IsRoot = isRoot, IsFailing = isFailing, IsRepeated = fact.IsRepeated });
        _nameLength += name.Length;
    }

    private bool TakeFallback(in SpanFact fact, FallbackFact fallback, ulong at)
    {
        if (Fallbacks.Count >= FallbacksMax || Knows(Fallbacks, fact.SpanId, static step => step.SpanId))
        {
            return false;
        }

        var taken = new FallbackStep(fact.SpanId, fact.StartUnixNano, at, Cut(fallback.Advice), Cut(fallback.AdviceId));
        Fallbacks.Add(taken);
        _nameLength += taken.Advice.Length + taken.AdviceId.Length;
        return true;
    }

    // A request that was sent again brings its spans again.
    private static bool Knows<T>(List<T> list, SpanId id, Func<T, SpanId> idOf)
    {
        foreach (var entry in list)
        {
            if (idOf(entry) == id)
            {
                return true;
            }
        }

        return false;
    }
}
