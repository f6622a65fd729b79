using OtlpTap.Metrics;

namespace OtlpTap.Corpus;

/// <summary>The bound on the folder's size. Where it is reached the oldest traces make room; cases stay.</summary>
internal sealed class DirectoryRoom(long bytesMax, CaseDirectory directory, CorpusMetrics metrics, TimeProvider time)
{
    // What is deleted when the folder is full is enough for a while: each time costs a walk through the folder.
    private const double RoomAfterTrimming = 0.95;
    private static readonly TimeSpan MeasureInterval = TimeSpan.FromMinutes(1);

    private long? _measuredAt;

    /// <summary>Makes room first, where it can.</summary>
    public bool IsFull()
    {
        if (bytesMax == 0 || directory.Bytes < bytesMax)
        {
            return false;
        }

        // People may have made room. Looking costs a walk through the folder, so not for each case.
        if (_measuredAt is not { } measuredAt || time.GetElapsedTime(measuredAt) >= MeasureInterval)
        {
            _measuredAt = time.GetTimestamp();
            directory.Measure();
            if (directory.DeleteOldestTraces((long)(bytesMax * RoomAfterTrimming)) is > 0 and var deleted)
            {
                metrics.TracesRemoved(TraceRemoveReason.DirectoryFull, deleted);
            }

            metrics.DirectoryMeasured(directory.Bytes);
        }

        return directory.Bytes >= bytesMax;
    }
}
