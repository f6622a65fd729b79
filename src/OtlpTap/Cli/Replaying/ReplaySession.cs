using System.Buffers;
using OtlpTap.Configuration;
using OtlpTap.Corpus;
using OtlpTap.Otlp;
using OtlpTap.Redact;
using OtlpTap.Replay;
using OtlpTap.Runs;

namespace OtlpTap.Cli.Replaying;

/// <summary>The cases of a folder that are to be run again, and those that cannot be.</summary>
internal sealed record Selection(IReadOnlyList<ReplayCase> Cases, IReadOnlyList<ReplayOutcome> Skipped, IReadOnlyList<string> Problems);

/// <summary>Reads cases for a rerun, and writes down what became of them.</summary>
internal static class ReplaySession
{
    public static Selection Select(CaseStore store, string[] ids, string[] statuses)
    {
        var cases = new List<ReplayCase>();
        var skipped = new List<ReplayOutcome>();
        var problems = new List<string>();
        foreach (var listing in Listings(store, ids, problems))
        {
            if (listing.Problem is { } broken)
            {
                problems.Add(broken);
                continue;
            }

            // A case that is named is wanted whatever its status.
            if (ids.Length == 0 && !statuses.Contains(listing.Life.Status.Name()))
            {
                continue;
            }

            void Skip(string why) => skipped.Add(new ReplayOutcome(listing.Path, listing.Id, listing.Failure, listing.Title, [], 1, why));
            if (listing.Format == CaseDocument.FirstFormat)
            {
                Skip("has the first format, which does not say what was asked");
            }
            else if (Read(listing.Path, out var problem, out var why) is not { } replayCase)
            {
                problems.Add(problem);
            }
            else if (why is not null)
            {
                Skip(why);
            }
            else
            {
                cases.Add(replayCase);
            }
        }

        return new Selection(cases, skipped, problems);
    }

    /// <summary>A case with its recorded run; null with the reason when its file cannot be read.</summary>
    /// <param name="notReplayable">Why it cannot be run again; null when it can.</param>
    public static ReplayCase? Read(string casePath, out string problem, out string? notReplayable)
    {
        notReplayable = null;
        if (CaseStore.Read(casePath, out problem) is not { } document)
        {
            return null;
        }

        notReplayable = ReplayCase.NotReplayable(document);
        return ReplayCase.Of(casePath, document, RecordedRun(casePath, document.TraceId));
    }

    /// <summary>The model and tools of a case's first trace; null where it is not there.</summary>
    public static RecordedWorld? WorldOf(ReplayCase replayCase, RedactOptions redact, bool withToolResults)
    {
        // A hash needs the key of the machine that wrote the case; a mask is what is left of it when hashes are left out.
        var redactor = redact.IsEnabled ? new Redactor(redact.Mode == RedactMode.Hash ? redact with { Mode = RedactMode.Mask } : redact) : null;
        return replayCase.Recorded is { } recorded ? new RecordedWorld(recorded, redactor, withToolResults) : null;
    }

    /// <summary>The change that an outcome means for the case; null: it is what it was.</summary>
    public static CaseChange? ChangeOf(ReplayOutcome outcome, CaseStatus status)
    {
        if (outcome.HasPassed)
        {
            return status is CaseStatus.Open or CaseStatus.Regressed
                ? new CaseChange(CaseStatus.Fixed, $"a rerun passed ({outcome.PassCount} of {outcome.Runs.Count})", outcome.Runs.Select(static run => run.Version).FirstOrDefault(static version => version is not null))
                : null;
        }

        // Only what the agent did says something of the fix: an agent that cannot be reached says nothing.
        var isSeen = outcome.Runs.Any(static run => run.Result == RunResult.StillFails);
        return isSeen && status == CaseStatus.Fixed ? new CaseChange(CaseStatus.Open, $"a rerun failed ({outcome.PassCount} of {outcome.Runs.Count} passed)") : null;
    }

    private static IEnumerable<CaseListing> Listings(CaseStore store, string[] ids, List<string> problems)
    {
        if (ids.Length == 0)
        {
            return store.List();
        }

        var found = new List<CaseListing>();
        foreach (var id in ids)
        {
            var named = store.Find(id);
            if (named.Count != 1)
            {
                problems.Add(named.Count == 0 ? $"no case {id} in {store.Root}" : $"{id} may be {string.Join(", ", named.Select(static listing => listing.Id))}: say more of it");
            }

            found.AddRange(named.Take(1));
        }

        return found.DistinctBy(static listing => listing.Path);
    }

    private static AgentRun? RecordedRun(string casePath, TraceId traceId)
    {
        var spans = new ArrayBufferWriter<byte>(256);
        if (CaseDirectory.Read(casePath, CaseDirectory.TraceFile) is not { } trace || !OtlpJson.TryRead(Signal.Traces, trace, spans, out _))
        {
            return null;
        }

        var logs = new ArrayBufferWriter<byte>(256);
        if (CaseDirectory.Read(casePath, CaseDirectory.LogsFile) is { } records && !OtlpJson.TryRead(Signal.Logs, records, logs, out _))
        {
            logs.Clear();
        }

        return AgentRunReader.Read(spans.WrittenSpan, logs.WrittenSpan, RunLimits.Default).FirstOrDefault(run => run.TraceId == traceId);
    }
}
