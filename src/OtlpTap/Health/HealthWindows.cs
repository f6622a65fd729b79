using OtlpTap.Health.Spans;
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
/// thread takes it for each step of a run, everybody else seldom and for as long as a window's buckets are added up.
/// </para>
/// </summary>
internal sealed class HealthWindows : IHealthReport, ISpanFactObserver, IVerdictSink, IScoreSink
{
    /// <summary>What OpenTelemetry SDKs call a service that has no name.</summary>
    public const string UnnamedService = "unknown_service";

    /// <summary>The tap's own check of answers; see <see cref="HealthSubject.Grounding"/>.</summary>
    public const string GroundingDetector = "grounding";

    // What was counted of a trace, beside the kinds of its failures.
    private const long TraceSeen = -1;
    private const long RunSeen = -2;
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
    private readonly SeenMarks _seen = new();
    private readonly NameIds _kinds = new();
    private readonly NameIds _metrics = new();
    private readonly WindowReader _reader;

    public HealthWindows(HealthOptions options, TraceOwners owners, TimeProvider time)
    {
        _isEnabled = options.IsEnabled;
        _owners = owners;
        _time = time;
        _started = time.GetTimestamp();
        _table = new SeriesTable(options.SeriesMax, options.BytesMax);
        _reader = new WindowReader(_kinds, _metrics);
    }

    /// <summary>Series, their bytes, and how many made room for others.</summary>
    public (int Series, long Bytes, long Evicted) Size
    {
        get
        {
            lock (_gate)
            {
                return (_table.Count, _table.Bytes, _table.Evicted);
            }
        }
    }

    public void Observed(in SpanFact fact)
    {
        if (fact.Kind == StepKind.Other)
        {
            return;
        }

        lock (_gate)
        {
            var now = Now();
            var levels = _table.Levels(new HealthScope(fact.Service.Length > 0 ? fact.Service : UnnamedService, fact.Agent, fact.Tool, fact.Model), now);
            var grown = 0L;
            var isSeen = false;
            var place = fact.Seconds is { } seconds ? LatencyScale.PlaceOf(seconds) : -1;
            foreach (var level in levels)
            {
                var bucket = level.At(now, ref grown);
                var before = bucket.Bytes;
                isSeen = isSeen || (!level.IsOfCalls && !_seen.IsFirst(fact.TraceId, level.Id, TraceSeen));
                Count(fact, level, bucket, isNewTrace: !level.IsOfCalls && !isSeen, place);
                level.Grown(bucket.Bytes - before);
                grown += bucket.Bytes - before;
            }

            _table.Grown(grown);
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
            var isToolError = verdict is { Failure: FailureKind.ToolError, Judged.Tool.Length: > 0, Origin.IsZero: true } && _seen.IsFirst(traceId, (long)verdict.SpanId.Value, SpanFailureSeen);
            foreach (var level in _table.Levels(ScopeOf(traceId, verdict.Judged), now))
            {
                var bucket = level.At(now, ref grown);
                var before = bucket.Bytes;
                Count(traceId, verdict, level, bucket, isToolError);
                level.Grown(bucket.Bytes - before);
                grown += bucket.Bytes - before;
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
            if (score.Source == VerdictSource.Detector && !_seen.IsFirst(traceId, (long)score.SpanId.Value, ScoreSeen))
            {
                return;
            }

            var now = Now();
            var grown = 0L;
            foreach (var level in _table.Levels(ScopeOf(traceId, score.Judged), now))
            {
                var bucket = level.At(now, ref grown);
                var before = bucket.Bytes;
                Score(score.Rule, score.Source, score.Value, bucket);
                bucket.Neutral += score.Source == VerdictSource.Feedback ? 1 : 0;
                level.Grown(bucket.Bytes - before);
                grown += bucket.Bytes - before;
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
            return _reader.TryRead(_table.Find(scope), value, Now(), out number);
        }
    }

    public IReadOnlyList<(HealthValue Value, double Number)> ReadAll(in HealthScope scope)
    {
        var values = new List<(HealthValue, double)>();
        lock (_gate)
        {
            if (_table.Find(scope) is { } series)
            {
                var now = Now();
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

    private long Now() => (long)_time.GetElapsedTime(_started).TotalSeconds / Series.BucketSeconds;

    private void Count(in SpanFact fact, Series level, Bucket bucket, bool isNewTrace, int place)
    {
        bucket.Traces += isNewTrace ? 1 : 0;
        var hasFailed = fact.Failure is not null || fact.IsRepeated;
        var kind = hasFailed && fact.Failure is { } failure ? _kinds.Of(failure) : -1;
        if (fact.Kind is StepKind.Tool or StepKind.Llm)
        {
            var calls = bucket.Of(fact.Kind == StepKind.Tool ? HealthSubject.Tool : HealthSubject.Llm);
            CountCall(calls, hasFailed, kind, place);
        }

        if (fact.Kind == StepKind.Llm)
        {
            bucket.InputTokens += fact.InputTokens;
            bucket.OutputTokens += fact.OutputTokens;
        }

        if (!level.IsOfCalls && IsRun(fact))
        {
            CountRun(fact, level, bucket.Of(HealthSubject.Run), hasFailed, kind, place);
        }

        if (kind >= 0 && !fact.IsRepeated)
        {
            CountFailure(fact.TraceId, level, bucket, kind);
            _ = _seen.IsFirst(fact.TraceId, (long)fact.SpanId.Value, SpanFailureSeen);
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

        if (_seen.IsFirst(fact.TraceId, level.Id, RunSeen))
        {
            CountCall(runs, hasFailed: false, kind, place);
        }

        if (hasFailed && _seen.IsFirst(fact.TraceId, level.Id, RunFailureSeen))
        {
            runs.Failed(kind);
        }
    }

    private static bool IsRun(in SpanFact fact) =>
        fact.Kind is StepKind.Agent or StepKind.Workflow || (fact.ParentId.IsZero && fact.Kind is not (StepKind.Evaluator or StepKind.Guardrail));

    /// <summary>Of a tool or a model every call with the failure counts; of who runs, every run with it.</summary>
    private void CountFailure(in TraceId trace, Series level, Bucket bucket, int kind)
    {
        if (level.IsOfCalls || _seen.IsFirst(trace, level.Id, kind))
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
