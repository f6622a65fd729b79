using Microsoft.Extensions.Logging;
using OtlpTap.Corpus.Journal;
using OtlpTap.Metrics;
using OtlpTap.Rules;
using OtlpTap.Scan;

namespace OtlpTap.Corpus;

using OtlpTap.Recorder;

/// <summary>
/// Goes on where an earlier process ended: what its journal says is due, and what it recorded and may not have looked at
/// is looked at again by the rules in force now. A case that is there already is found to be complete, or completed.
/// </summary>
internal sealed class CaptureResumption(CaptureJournal journal, CaptureScheduler scheduler, Recorder recorder, CompiledRules rules, CorpusMetrics metrics, ILogger<CaptureResumption> log)
{
    private readonly RequestScanner _scanner = new(rules);
    private readonly ScanResult _scan = new();
    private long _after;
    private long _last;
    private int _requests;
    private int _captures;

    /// <summary>Reads the journal. Before anything is recorded.</summary>
    public void Begin()
    {
        var state = journal.Read();
        _after = state.Position;
        _last = recorder.LastPosition;
        _captures = state.Captures.Count;
        scheduler.Restore(state);
    }

    /// <summary>Looks at what was recorded behind the journal's last position; beside the first new requests.</summary>
    public void Run(CancellationToken stopping)
    {
        var before = scheduler.PendingCount;
        recorder.VisitBetween(_after, _last, (This: this, Stopping: stopping), static (in fragment, state) =>
        {
            if (!state.Stopping.IsCancellationRequested)
            {
                state.This.LookAt(fragment);
            }
        });

        // Ended half-way: the next start begins where this one did.
        if (!stopping.IsCancellationRequested)
        {
            scheduler.CaughtUp(_last);
            if (_captures + _requests > 0)
            {
                var found = Math.Max(0, scheduler.PendingCount - before);
                log.Resumed(_captures, _requests, found);
            }
        }
    }

    private void LookAt(in Fragment fragment)
    {
        metrics.LookedAtAgain();
        _requests++;
        if (_scanner.TryScan(fragment.Signal, fragment.Request, _scan, out _))
        {
            scheduler.LookAgain(_scan);
        }
    }
}
