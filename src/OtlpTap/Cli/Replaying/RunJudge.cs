using OtlpTap.Configuration;
using OtlpTap.Otlp;
using OtlpTap.Replay;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Cli.Replaying;

/// <summary>Judges a rerun as <c>otlptap inspect</c> judges a file: by the same rules, detectors and evaluations as on the line.</summary>
internal static class RunJudge
{
    public static (IReadOnlyList<Finding> Findings, string? Version) Judge(TapOptions options, IReadOnlyList<(Signal Signal, byte[] Request)> payloads)
    {
        var inspection = new Inspection(options.Rules, options.Processor);
        var verdicts = new List<InspectVerdict>();
        foreach (var (signal, request) in payloads)
        {
            if (inspection.TryInspect(new CapturedPayload("the run's telemetry", signal, request), out var found, out _))
            {
                verdicts.AddRange(found);
            }
        }

        verdicts.AddRange(inspection.JudgeAll());
        var findings = verdicts.Where(static verdict => !FailureKind.IsMark(verdict.Failure)).Select(static verdict => new Finding(verdict.Failure, verdict.SpanName, verdict.Rules, verdict.Evidence)).ToList();
        return (findings, VersionOf(payloads));
    }

    private static string? VersionOf(IReadOnlyList<(Signal Signal, byte[] Request)> payloads)
    {
        var spans = payloads.Where(static payload => payload.Signal == Signal.Traces).SelectMany(static payload => payload.Request).ToArray();
        var steps = AgentRunReader.Read(spans, [], RunLimits.Default).SelectMany(static run => run.Steps);
        return steps.Select(static step => step.ServiceVersion).FirstOrDefault(static version => version.Length > 0);
    }
}
