using OtlpTap.Health.Steps;
using OtlpTap.Health.Windows;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Health;

/// <summary>
/// How services, agents, tools and models fared in the last hour: counts what comes by, by the tap's clock, for each of
/// them and the levels above (<see cref="HealthLevels"/>), and answers for the windows of a <see cref="HealthValue"/>.
/// <para>
/// Verdicts and scores are of runs that were before, maybe long before: they count when they come. One lock: the recorder's
/// thread takes it for each request, everybody else seldom and for as long as a window's buckets are added up.
/// </para>
/// </summary>
internal sealed class HealthWindows : IHealthReport, ISpanFactObserver, IVerdictSink, IScoreSink
{
    /// <summary>What OpenTelemetry SDKs call a service that has no name.</summary>
    public const string UnnamedService = "unknown_service";

    /// <summary>The tap's own check of answers; see <see cref="HealthSubject.Grounding"/>.</summary>
    public const string GroundingDetector = "grounding";

    // What was counted of a trace, beside the kinds of its failures and what every trace is asked for.
    private const long RunFailureSeen = -3;
    private const long SpanFailureSeen = -4;
    private const long ScoreSeen = -5;

    private readonly bool _isEnabled;
    private readonly TraceOwners _owners;
    private readonly TimeProvider _time;
    private readonly long _started;

    // Everything below is guarded by the gate.
    private readonly Lock _gate = new();
    private readonly SeriesTable _table;
    private readonly NameIds _kinds = new();
    private readonly NameIds _metrics = new();
    private readonly NameCache<Series> _known = new();
    private readonly WindowReader _reader;

    // Large, and made when the first step comes.
    private SeenMarks? _seen;
    private RunMarks? _runs;
    private long _now = -1;
    private TraceId _lastTrace;
    private Series? _lastRunner;

    public HealthWindows(HealthOptions options, TraceOwners owners, TimeProvider time)
    {
        _isEnabled = options.IsEnabled;
        _owners = owners;
        _time = time;
        _started = time.GetTimestamp();
        _table = new SeriesTable(options.SeriesMax, options.BytesMax);
        _reader = new WindowReader(_kinds, _metrics);
    }

    private SeenMarks Seen => _seen ??= new SeenMarks();

    private RunMarks Runs => _runs ??= new RunMarks();

    /// <summary>Series, their bytes, and how many made room for others.</summary>
    public (int Series, long Bytes, long Evicted) Size
    {
        get
        {
            lock (_gate)
            {
                _table.AddNotes();
                return (_table.Count, _table.Bytes, _table.Evicted);
            }
        }
    }

    public void Observed(ReadOnlySpan<SpanFact> facts)
    {
        lock (_gate)
        {
            var now = Now();
            Prepare(facts);
            foreach (ref readonly var fact in facts)
            {
                if (fact.Kind != StepKind.Other)
                {
                    Count(fact, now);
                }
            }
        }
    }

    public void Judged(in TraceId traceId, in Verdict verdict)
    {
        if (!_isEnabled)
        {
            return;
        }

        lock (_gate)
        {
            var now = Now();
            var grown = 0L;

            // Where a rule has found the call's failure before, it is counted.
            var isToolError = verdict is { Failure: FailureKind.ToolError, Judged.Tool.Length: > 0, Origin.IsZero: true } && Seen.IsFirst(traceId, (long)verdict.SpanId.Value, SpanFailureSeen);
            foreach (var level in _table.Levels(ScopeOf(traceId, verdict.Judged), now))
            {
                using var change = new BucketChange(level, now, ref grown);
                Count(traceId, verdict, level, change.Bucket, isToolError);
            }

            _table.Grown(grown);
        }
    }

    public void Passed(in TraceId traceId, in PassedScore score)
    {
        if (!_isEnabled)
        {
            return;
        }

        lock (_gate)
        {
            // Detectors look at a trace again when more of it comes.
            if (score.Source == VerdictSource.Detector && !Seen.IsFirst(traceId, (long)score.SpanId.Value, ScoreSeen))
            {
                return;
            }

            var now = Now();
            var grown = 0L;
            foreach (var level in _table.Levels(ScopeOf(traceId, score.Judged), now))
            {
                using var change = new BucketChange(level, now, ref grown);
                Score(score.Rule, score.Source, score.Value, change.Bucket);
                change.Bucket.Neutral += score.Source == VerdictSource.Feedback ? 1 : 0;
            }

            _table.Grown(grown);
        }
    }

    public IReadOnlyList<HealthScope> Scopes()
    {
        lock (_gate)
        {
            var now = Now();
            return [.. _table.All.Where(series => !series.IsEmptyAt(now)).Select(series => series.Scope)];
        }
    }

    public bool TryRead(in HealthScope scope, in HealthValue value, out double number)
    {
        lock (_gate)
        {
            var now = Now();
            _table.AddNotes();
            return _reader.TryRead(_table.Find(scope), value, now, out number);
        }
    }

    public IReadOnlyList<(HealthValue Value, double Number)> ReadAll(in HealthScope scope)
    {
        var values = new List<(HealthValue, double)>();
        lock (_gate)
        {
            var now = Now();
            _table.AddNotes();
            if (_table.Find(scope) is { } series)
            {
                foreach (var value in HealthValueNames.All(_kinds.Names, _metrics.Names))
                {
                    if (_reader.TryRead(series, value, now, out var number) && (number != 0 || value.Name.Length == 0))
                    {
                        values.Add((value, number));
                    }
                }
            }
        }

        return values;
    }

    /// <summary>Number of the bucket of the moment. Notes are of the one before, if it is another.</summary>
    private long Now()
    {
        var now = (long)_time.GetElapsedTime(_started).TotalSeconds / Series.BucketSeconds;
        if (now != _now)
        {
            _table.AddNotes();
            _now = now;
        }

        return now;
    }

    private void Prepare(ReadOnlySpan<SpanFact> facts)
    {
        var last = default(TraceId);
        foreach (ref readonly var fact in facts)
        {
            if (fact.TraceId != last)
            {
                last = fact.TraceId;
                Runs.Prepare(last);
            }
        }
    }

    private void Count(in SpanFact fact, long now)
    {
        var series = SeriesOf(fact, now);
        var place = fact.Seconds is { } seconds ? LatencyScale.PlaceOf(seconds) : -1;
        var hasFailed = fact.Failure is not null || fact.IsRepeated;
        var kind = fact.Failure is { } failure ? _kinds.Of(failure) : -1;
        if (fact.Kind is StepKind.Tool or StepKind.Llm)
        {
            Note(fact, _table.Noted(series, now), hasFailed, kind, place);
        }

        var grown = 0L;
        CountTrace(fact.TraceId, series, now, ref grown);
        var isFailure = kind >= 0 && !fact.IsRepeated;
        if (isFailure)
        {
            _ = Seen.IsFirst(fact.TraceId, (long)fact.SpanId.Value, SpanFailureSeen);
        }

        var isRun = IsRun(fact);
        foreach (var level in isRun || isFailure ? series.Levels : [])
        {
            using var change = new BucketChange(level, now, ref grown);
            if (isRun && !level.IsOfCalls)
            {
                CountRun(fact, level, change.Bucket.Of(HealthSubject.Run), hasFailed, kind, place);
            }

            if (isFailure)
            {
                CountFailure(fact.TraceId, level, change.Bucket, kind);
            }
        }

        // When all is counted: who has made room is not counted for any more.
        _table.Grown(grown);
    }

    private Series SeriesOf(in SpanFact fact, long now)
    {
        if (_known.Find(fact.Service, fact.Agent, fact.Tool, fact.Model) is { IsListed: true } known)
        {
            return _table.Heard(known, now);
        }

        var series = _table.Levels(new HealthScope(fact.Service.Length > 0 ? fact.Service : UnnamedService, fact.Agent, fact.Tool, fact.Model), now)[0];
        _known.Keep(fact.Service, fact.Agent, fact.Tool, fact.Model, series);
        return series;
    }

    private static void Note(in SpanFact fact, Bucket noted, bool hasFailed, int kind, int place)
    {
        CountCall(noted.Of(fact.Kind == StepKind.Tool ? HealthSubject.Tool : HealthSubject.Llm), hasFailed, kind, place);
        if (fact.Kind == StepKind.Llm)
        {
            noted.InputTokens += fact.InputTokens;
            noted.OutputTokens += fact.OutputTokens;
        }
    }

    /// <summary>The first step of a trace that comes by counts for who runs it. What an agent has seen, all above it have.</summary>
    private void CountTrace(in TraceId trace, Series series, long now, ref long grown)
    {
        var runners = series.Runners;
        if (trace == _lastTrace && runners[0] == _lastRunner)
        {
            return;
        }

        (_lastTrace, _lastRunner) = (trace, runners[0]);
        foreach (var level in runners)
        {
            if (!IsFirst(trace, level, RunMarks.Counted.Trace))
            {
                break;
            }

            using var change = new BucketChange(level, now, ref grown);
            change.Bucket.Traces++;
        }
    }

    private static void CountCall(Calls calls, bool hasFailed, int kind, int place)
    {
        calls.Called();
        if (hasFailed)
        {
            calls.Failed(kind);
        }

        if (place >= 0)
        {
            calls.Took((ushort)place);
        }
    }

    /// <summary>An agent's runs are its spans. A service's are its traces: the first of a trace's spans that is a run counts, and the first that has failed.</summary>
    private void CountRun(in SpanFact fact, Series level, Calls runs, bool hasFailed, int kind, int place)
    {
        if (level.IsOfAgent)
        {
            CountCall(runs, hasFailed, kind, place);
            return;
        }

        if (IsFirst(fact.TraceId, level, RunMarks.Counted.Run))
        {
            CountCall(runs, hasFailed: false, kind, place);
        }

        if (hasFailed && Seen.IsFirst(fact.TraceId, level.Id, RunFailureSeen))
        {
            runs.Failed(kind);
        }
    }

    private bool IsFirst(in TraceId trace, Series level, RunMarks.Counted what) =>
        Runs.IsFirst(trace, level.Id, what) ?? Seen.IsFirst(trace, level.Id, -(long)what);

    private static bool IsRun(in SpanFact fact) =>
        fact.Kind is StepKind.Agent or StepKind.Workflow || (fact.ParentId.IsZero && fact.Kind is not (StepKind.Evaluator or StepKind.Guardrail));

    /// <summary>Of a tool or a model every call with the failure counts; of who runs, every run with it.</summary>
    private void CountFailure(in TraceId trace, Series level, Bucket bucket, int kind)
    {
        if (level.IsOfCalls || Seen.IsFirst(trace, level.Id, kind))
        {
            bucket.FailedWith(kind);
        }
    }

    private void Count(in TraceId trace, in Verdict verdict, Series level, Bucket bucket, bool isToolError)
    {
        Score(verdict.Rule, verdict.Source, verdict.Score, bucket);
        switch (verdict.Failure)
        {
            case FailureKind.PositiveFeedback:
                bucket.Positive++;
                return;
            case FailureKind.NegativeFeedback or FailureKind.ImplicitNegativeFeedback:
                bucket.Negative++;
                break;
        }

        if (isToolError)
        {
            bucket.Of(HealthSubject.Tool).Failed(_kinds.Of(verdict.Failure));
        }

        if (!FailureKind.IsMark(verdict.Failure) && verdict.Origin.IsZero)
        {
            CountFailure(trace, level, bucket, _kinds.Of(verdict.Failure));
        }
    }

    private void Score(string rule, string source, double? score, Bucket bucket)
    {
        if (score is { } value && ScoreScale.Has(value) && IsScored(rule, source))
        {
            bucket.Scored(_metrics.Of(rule), value);
        }
    }

    // What users think is counted by its direction; of the tap's own checks the one of answers measures.
    private static bool IsScored(string rule, string source) =>
        source is VerdictSource.Evaluation or VerdictSource.Judge || (source == VerdictSource.Detector && rule == GroundingDetector);

    private HealthScope ScopeOf(in TraceId traceId, JudgedSpan? judged)
    {
        _owners.TryFind(traceId, out var owner);
        var service = judged is { Service.Length: > 0 } ? judged.Service : owner.Service;
        var agent = judged?.Agent ?? (service == owner.Service ? owner.Agent : "");
        return new HealthScope(service, service.Length > 0 ? agent : "", judged?.Tool ?? "", judged?.Tool is null ? judged?.Model ?? "" : "");
    }
}
