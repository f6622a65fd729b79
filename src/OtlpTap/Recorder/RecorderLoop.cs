using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Scan;
using OtlpTap.Tee;

namespace OtlpTap.Recorder;

using Tee = OtlpTap.Tee.Tee;

/// <summary>Reads the tee, records, tells the handler, gives everything back. Ends when the tee is completed and empty.</summary>
internal sealed class RecorderLoop(
    Tee tee,
    Recorder recorder,
    RecordedHandler recorded,
    ScanResultPool scans,
    RecorderMetrics metrics,
    TimeProvider time,
    ILogger<RecorderLoop> logger)
{
    // Where memory is refused, it is for each request alike.
    private const int LinesMax = 3;
    private static readonly TimeSpan LinesInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan TrimInterval = TimeSpan.FromMinutes(1);

    private readonly LogAllowance _lines = new(LinesMax, LinesInterval, time);

    public async Task RunAsync()
    {
        await using var trimming = time.CreateTimer(static state => ((Recorder)state!).Trim(), recorder, TrimInterval, TrimInterval);
        while (await tee.Reader.WaitToReadAsync())
        {
            HandleWaiting();
        }
    }

    /// <summary>Handles what waits now, without waiting for more.</summary>
    internal void HandleWaiting()
    {
        while (tee.Reader.TryRead(out var item))
        {
            Handle(item);
        }
    }

    private void Handle(in TeeItem item)
    {
        try
        {
            var isRecorded = TryRecord(item);
            item.Recorded?.Complete(isRecorded);
            recorded(item);
        }
        catch (Exception exception) // the edge of the loop: one bad item must not end the recording of all others
        {
            metrics.HandlerFailed();
            if (_lines.TryTake(out _))
            {
                logger.HandlerFailed(exception);
            }

        }
        finally
        {
            scans.Return(item.Scan);
            tee.Return(item);
        }
    }

    private bool TryRecord(in TeeItem item)
    {
        if (item.Signal == Signal.Metrics)
        {
            return true; // no trace ids, nothing to look up
        }

        try
        {
            var received = UnixTime.Now(time) - UnixTime.ToNanoseconds(time.GetElapsedTime(item.ReceivedTimestamp));
            var outcome = recorder.Append(item.Signal, received, item.Payload.Span, item.Scan.TraceIds);
            metrics.Appended(outcome);
            return outcome != AppendOutcome.TooLarge;
        }
        catch (Exception exception) // somebody may wait for the answer: it must come whatever went wrong
        {
            metrics.Appended(AppendOutcome.Failed);
            if (_lines.TryTake(out _))
            {
                logger.AppendFailed(exception);
            }

            return false;
        }
    }
}
