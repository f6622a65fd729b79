using OtlpTap.Otlp;
using OtlpTap.Replay;
using OtlpTap.Runs;

namespace OtlpTap.Testing;

/// <summary>A case's new run, with what was found in its trace.</summary>
public sealed class RegressionRun
{
    private readonly RegressionCase _case;
    private readonly RunOutcome _outcome;
    private readonly IReadOnlyList<RunStep> _steps;

    internal RegressionRun(RegressionCase regressionCase, RunOutcome outcome, IReadOnlyList<(Signal Signal, byte[] Request)> sent)
    {
        _case = regressionCase;
        _outcome = outcome;
        byte[] Of(Signal signal) => [.. sent.Where(payload => payload.Signal == signal).SelectMany(static payload => payload.Request)];
        var runs = AgentRunReader.Read(Of(Signal.Traces), Of(Signal.Logs), RunLimits.Default);
        _steps = [.. runs.SelectMany(static run => run.Steps)];
        Answer = runs.Select(static run => run.FinalAnswer).FirstOrDefault(static answer => answer is not null);
        ToolCalls = [.. runs.SelectMany(static run => run.ToolCalls).Select(static call => call.Name)];
    }

    /// <summary>The case's failure does not show, and no new one does.</summary>
    public bool HasPassed => _outcome.Result == RunResult.Passed;

    /// <summary>Why it has not passed; empty when it has.</summary>
    public string Why => _outcome.Why;

    /// <summary>Kinds of failure that were found.</summary>
    public IReadOnlyList<string> Failures => [.. _outcome.Findings.Select(static finding => finding.Failure).Distinct()];

    /// <summary>The agent's last word; null where none was recorded.</summary>
    public string? Answer { get; }

    /// <summary>Tools in the order in which they were called.</summary>
    public IReadOnlyList<string> ToolCalls { get; }

    /// <summary>Names of the run's spans, in the order in which they began.</summary>
    public IReadOnlyList<string> SpanNames => [.. _steps.Select(static step => step.Name)];

    /// <summary>Of the new trace.</summary>
    public string TraceId => _outcome.TraceId;

    /// <summary>Fails the test, with what was found, unless the case passes.</summary>
    /// <exception cref="RegressionException">It does not.</exception>
    public RegressionRun MustPass() => HasPassed ? this : throw new RegressionException($"{_case}\n{Why}\ntrace {TraceId}");

    /// <summary>Fails the test when the new trace has a failure of this kind.</summary>
    /// <exception cref="RegressionException">It has.</exception>
    public RegressionRun MustNotHave(string failure) => Failures.Contains(failure) ? throw new RegressionException($"{_case}\n{failure} was found: {Why}\ntrace {TraceId}") : this;

    /// <summary>Fails the test when the tool was not called.</summary>
    /// <exception cref="RegressionException">It was not.</exception>
    public RegressionRun MustCall(string tool) => ToolCalls.Contains(tool) ? this : throw new RegressionException($"{_case}\n{tool} was not called, but [{string.Join(", ", ToolCalls)}]\ntrace {TraceId}");
}
