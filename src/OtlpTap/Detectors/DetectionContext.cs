using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// What a detector is told beside the run, and where it puts what it finds. For one run and one thread.
/// A failure that is known already, by a rule or an earlier detector, is not said again: same span, same kind.
/// </summary>
internal sealed class DetectionContext
{
    /// <summary>A run with more failures than this is not better described by more.</summary>
    public const int VerdictsMax = 256;

    public const int EvidenceMax = 32;
    public const int EvidenceCharsMax = 1024;

    private readonly HashSet<(SpanId Span, string Failure)> _known = [];
    private readonly List<Verdict> _found = [];
    private readonly List<PassedScore> _passed = [];
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly TimeSpan _timeMax;
    private readonly HashSet<(SpanId Span, string Failure)> _byRules = [];
    private string _detector = "";
    private ToolCalls? _calls;
    private RunTree? _tree;

    public DetectionContext(AgentRun run, IEnumerable<Verdict> known, TimeProvider time, TimeSpan timeMax)
    {
        Run = run;
        _time = time;
        _started = time.GetTimestamp();
        _timeMax = timeMax;
        foreach (var verdict in known)
        {
            _known.Add((verdict.SpanId, verdict.Failure));
            _byRules.Add((verdict.SpanId, verdict.Failure));
        }
    }

    public AgentRun Run { get; }

    /// <summary>The time for this run is used up: leave with what was found so far. Ask once for each step, message or kilobyte of work.</summary>
    public bool IsTimeOver => _time.GetElapsedTime(_started) > _timeMax;

    /// <summary>The run's calls of tools, worked out once for all detectors.</summary>
    public ToolCalls Calls => _calls ??= ToolCalls.Of(Run);

    public RunTree Tree => _tree ??= new RunTree(Run);

    public IReadOnlyList<Verdict> Verdicts => _found;

    /// <summary>What was measured and found to be well.</summary>
    public IReadOnlyList<PassedScore> Passed => _passed;

    /// <summary>Whether the failure is known, by a rule's match or an earlier detector.</summary>
    public bool IsKnown(SpanId span, string failure) => _known.Contains((span, failure));

    /// <summary>Whether a rule's match said it, before any detector looked.</summary>
    public bool IsKnownByRule(SpanId span, string failure) => _byRules.Contains((span, failure));

    /// <summary>Whether somebody who knows better than a heuristic spoke of an answer of the run: its user, or an evaluator.</summary>
    public bool IsAnswerJudged => _known.Any(static known => known.Failure is FailureKind.NegativeFeedback or FailureKind.PositiveFeedback or FailureKind.Hallucination);

    /// <summary>A check that measures found nothing wrong with a step.</summary>
    public void FoundWell(RunStep step, double score) =>
        _passed.Add(new PassedScore(step.SpanId, _detector, VerdictSource.Detector, score) { Judged = JudgedSpan.Of(step) });

    public void Found(in Verdict verdict)
    {
        if (_found.Count < VerdictsMax && _known.Add((verdict.SpanId, verdict.Failure)))
        {
            _found.Add(verdict with { Evidence = Bounded(verdict.Evidence) });
        }
    }

    /// <summary>A failure that is a yes or no: its score is 1.</summary>
    public void Found(RunStep step, string failure, string explanation, params IReadOnlyList<string> evidence) =>
        FoundAbout(step, failure, explanation, subject: null, aspect: null, evidence);

    /// <param name="subject">The tool that it is about, which the step does not name.</param>
    /// <param name="aspect">See <see cref="Verdict.Aspect"/>.</param>
    public void FoundAbout(RunStep step, string failure, string explanation, string? subject, string? aspect, params IReadOnlyList<string> evidence) =>
        Found(new Verdict(step.SpanId, failure, _detector, VerdictSource.Detector) { Score = 1, Explanation = explanation, Subject = subject, Aspect = aspect, Evidence = evidence });

    internal void Enter(IDetector detector) => _detector = detector.Name;

    private static IReadOnlyList<string> Bounded(IReadOnlyList<string> evidence) =>
        evidence.Count <= EvidenceMax && evidence.All(text => text.Length <= EvidenceCharsMax)
            ? evidence
            : [.. evidence.Take(EvidenceMax).Select(text => text.Cut(EvidenceCharsMax))];
}
