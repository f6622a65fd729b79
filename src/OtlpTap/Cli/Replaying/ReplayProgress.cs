using System.Globalization;
using OtlpTap.Replay;

namespace OtlpTap.Cli.Replaying;

/// <summary>How far a rerun is: a bar on a terminal, a line for each run elsewhere.</summary>
internal sealed class ReplayProgress(TextWriter error, int total, bool isTerminal)
{
    private const int BarLength = 30;
    private int _done;
    private int _passed;

    public void Ran(ReplayCase replayCase, RunOutcome outcome)
    {
        _done++;
        _passed += outcome.Result == RunResult.Passed ? 1 : 0;
        if (!isTerminal)
        {
            error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_done}/{total} {ReplayReport.Name(outcome.Result)} {replayCase.Failure} {replayCase.Id} trace {outcome.TraceId}"));
            return;
        }

        var filled = BarLength * _done / total;
        error.Write(string.Create(CultureInfo.InvariantCulture, $"\r[{new string('#', filled)}{new string('.', BarLength - filled)}] {_done}/{total}, {_passed} passed, {_done - _passed} failed"));
    }

    public void End()
    {
        if (isTerminal)
        {
            error.WriteLine();
        }
    }
}
