using System.Globalization;
using OtlpTap.Otlp;

namespace OtlpTap.Replay;

/// <summary>What rules, detectors and evaluations say of a run: failures alone, no marks; and the version of the service that ran.</summary>
internal delegate (IReadOnlyList<Finding> Findings, string? Version) JudgeRun(IReadOnlyList<(Signal Signal, byte[] Request)> payloads);

/// <summary>Runs cases again, several at a time, and says what became of each.</summary>
internal sealed class Replayer(IAgentUnderTest agent, TraceMailbox mailbox, JudgeRun judge, Func<ReplayRun, ReplayAddresses> addresses, Func<ReplayCase, RecordedWorld?> world, ReplayOptions options, TimeProvider time)
{
    /// <param name="progress">Called after each run, from any thread, one at a time.</param>
    public async Task<IReadOnlyList<ReplayOutcome>> RunAsync(IReadOnlyList<ReplayCase> cases, Action<ReplayCase, RunOutcome>? progress, CancellationToken cancellation)
    {
        var runs = cases.SelectMany((_, index) => Enumerable.Repeat(index, options.Repeat)).ToList();
        var outcomes = cases.Select(static _ => new List<RunOutcome>()).ToList();
        var told = new Lock();
        await Parallel.ForEachAsync(runs, new ParallelOptions { MaxDegreeOfParallelism = options.Parallel, CancellationToken = cancellation }, async (index, stopping) =>
        {
            var outcome = await RunAsync(cases[index], stopping);
            lock (told)
            {
                outcomes[index].Add(outcome);
                progress?.Invoke(cases[index], outcome);
            }
        });
        return [.. cases.Select((one, index) => new ReplayOutcome(one.Path, one.Id, one.Failure, one.Title, outcomes[index], options.PassRate))];
    }

    private async Task<RunOutcome> RunAsync(ReplayCase replayCase, CancellationToken cancellation)
    {
        var run = ReplayRun.New(replayCase, world(replayCase));
        var telemetry = mailbox.Open(run);
        var start = time.GetTimestamp();
        try
        {
            string? said;
            var isLate = false;
            using (var deadline = new CancellationTokenSource(options.Timeout, time))
            using (var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token))
            {
                try
                {
                    said = await agent.RunAsync(run, addresses(run), ending.Token);
                }
                catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
                {
                    said = string.Create(CultureInfo.InvariantCulture, $"the agent did not answer within {options.Timeout.TotalSeconds:0.#} s");
                    isLate = true;
                }
            }

            // Who broke off sends no more, and the little there is says enough.
            await telemetry.SettleAsync(options.Settle, said is null ? options.SpansWithin : options.Settle * 2, cancellation);
            return Judged(run, telemetry, said, isLate, time.GetElapsedTime(start));
        }
        finally
        {
            mailbox.Close(run);
        }
    }

    private RunOutcome Judged(ReplayRun run, RunTelemetry telemetry, string? said, bool isLate, TimeSpan duration)
    {
        var (findings, version) = telemetry.HasSpans ? judge(telemetry.Payloads) : ([], null);
        var (result, why) = Result(run, telemetry, findings, said, isLate);
        return new RunOutcome(result, why, findings, run.TraceId.ToString(), duration, version);
    }

    /// <summary>The most telling reason first: a request that has no recorded answer explains what came of it.</summary>
    private (RunResult Result, string Why) Result(ReplayRun run, RunTelemetry telemetry, IReadOnlyList<Finding> findings, string? said, bool isLate)
    {
        if (run.World?.Problem is { } unrecorded)
        {
            return (RunResult.Unrecorded, unrecorded);
        }

        if (isLate)
        {
            return (RunResult.TimedOut, said!);
        }

        if (findings.FirstOrDefault(finding => finding.Failure == run.Case.Failure) is { } same)
        {
            return (RunResult.StillFails, Describe(same));
        }

        if (findings.FirstOrDefault(finding => !run.Case.Kinds.Contains(finding.Failure)) is { } other)
        {
            return (RunResult.NewFailure, $"another failure: {Describe(other)}");
        }

        if (said is not null)
        {
            return (RunResult.AgentFailed, said);
        }

        if (!telemetry.HasSpans)
        {
            return (RunResult.NoSpans, string.Create(CultureInfo.InvariantCulture, $"no span of the run came within {options.SpansWithin.TotalSeconds:0.#} s: does the agent send OTLP to {addresses(run).Otlp} and take over traceparent?"));
        }

        return telemetry.IsCut ? (RunResult.NewFailure, "the run sent more telemetry than a run may have") : (RunResult.Passed, "");
    }

    private static string Describe(Finding finding)
    {
        var where = finding.SpanName.Length > 0 ? $" on {finding.SpanName}" : "";
        return $"{finding.Failure}{where} by {string.Join(", ", finding.Rules)}{(finding.Evidence.Length > 0 ? ": " : "")}{finding.Evidence}";
    }
}
