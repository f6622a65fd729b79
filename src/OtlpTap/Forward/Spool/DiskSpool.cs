using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>
/// A durable queue of requests in one directory, which no other process uses meanwhile. What was acknowledged comes out
/// again, in order, until it is removed, whatever happens to the process in between.
/// </summary>
internal sealed class DiskSpool : IAsyncDisposable
{
    private const string LockFile = "lock";
    private const string CursorFile = "cursor";

    // A segment is deleted as a whole: were the spool one segment, it would be full until the last record has gone.
    private const int SegmentsMin = 4;

    private readonly SegmentList _segments;
    private readonly SpoolCursor _cursor;
    private readonly SpoolWriter _writer;
    private readonly IDisposable _lock;
    private readonly CancellationTokenSource _stopping = new();

    // Set by the one who delivers.
    private volatile Action _appended = static () => { };

    private DiskSpool(string exporter, SpoolOptions options, ISpoolFiles files, IDisposable held, SegmentList segments, SpoolCursor cursor, SpoolRecovery recovery, SpoolMetrics metrics, TimeProvider time, ILogger log)
    {
        Directory = options.Directory;
        _lock = held;
        _segments = segments;
        _cursor = cursor;
        var segmentBytesMax = (int)Math.Min(options.SegmentBytes, options.BytesMax / SegmentsMin);
        _writer = new SpoolWriter(exporter, Directory, segmentBytesMax, files, segments, () => _appended(), metrics, time, log);
        Reader = new SpoolReader(exporter, Directory, files, segments, cursor, metrics, time, log);
        Recovered = recovery.HasFound ? Task.Run(() => Recover(recovery, exporter, metrics, log)) : Task.CompletedTask;
    }

    public string Directory { get; }

    /// <summary>For whoever delivers: one at a time.</summary>
    public SpoolReader Reader { get; }

    public long Bytes => _segments.Bytes;

    public long BytesMax => _segments.BytesMax;

    /// <summary>Durable, and neither delivered nor discarded; of an earlier run's, what is <see cref="Recovered"/> so far.</summary>
    public long Records => _segments.Records;

    /// <summary>What is certain to be nothing: with <see cref="Records"/> of 0 there may be some that are not counted yet.</summary>
    public bool IsEmpty => Recovered.IsCompleted && _segments.Records == 0;

    /// <summary>Ends when everything that an earlier run left was looked through. Nothing waits for it but what is behind it.</summary>
    public Task Recovered { get; }

    /// <summary>The last request found no room.</summary>
    public bool IsFull => _segments.IsFull;

    /// <summary>The last group of requests found the disk unwilling.</summary>
    public bool HasFailed => _writer.HasFailed;

    /// <summary>Something is still open for appending, though it may be empty of what is to be delivered.</summary>
    public bool HasActiveSegment => _writer.HasActiveSegment;

    /// <exception cref="SpoolException">The directory cannot be used: another process has it, a file in it is not the spool's, the disk refuses.</exception>
    public static DiskSpool Open(string exporter, SpoolOptions options, ISpoolFiles files, SpoolMetrics metrics, TimeProvider time, ILogger log)
    {
        IDisposable? held = null;
        SpoolCursor? cursor = null;
        var segments = new SegmentList(options.BytesMax);
        try
        {
            files.CreateDirectory(options.Directory);
            held = Lock(options.Directory, files);
            var names = files.List(options.Directory);
            cursor = SpoolCursor.Open(files, Path.Combine(options.Directory, CursorFile), names.Contains(CursorFile));
            var recovery = new SpoolRecovery(exporter, options.Directory, files, segments, cursor.Last, metrics, log);
            recovery.Find(names);
            files.SyncDirectory(options.Directory);
            return new DiskSpool(exporter, options, files, held, segments, cursor, recovery, metrics, time, log);
        }
        catch (Exception exception)
        {
            segments.Dispose();
            cursor?.Dispose();
            held?.Dispose();
            if (exception is IOException or UnauthorizedAccessException)
            {
                throw new SpoolException($"spool {options.Directory} of exporter {exporter}: {exception.Message}", exception);
            }

            throw;
        }
    }

    /// <summary>Who is told when there may be more to read; called on any thread, and must not block.</summary>
    public void OnAppended(Action appended) => _appended = appended;

    /// <summary>
    /// Ends when the request is durable, or will not be. Takes over one reference to <paramref name="payload"/> and one hold
    /// of its credit, until the bytes are written.
    /// </summary>
    public Task<SpoolAppend> AppendAsync(Signal signal, Payload payload, RequestMetadata metadata) => _writer.AppendAsync(signal, payload, metadata);

    /// <summary>Lets the last segment go too, where everything is delivered. False while something is being appended.</summary>
    public bool TrySeal() => _writer.TrySeal();

    /// <summary>Ends when what was to be appended is; afterwards nothing is.</summary>
    public async ValueTask DisposeAsync()
    {
        await _writer.StopAsync();
        await _stopping.CancelAsync();
        await Recovered;
        Reader.Flush();
        try
        {
            _cursor.Sync();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Reader.FileFailed(CursorFile, exception);
        }

        _segments.Dispose();
        _cursor.Dispose();
        _lock.Dispose();
        _stopping.Dispose();
    }

    private void Recover(SpoolRecovery recovery, string exporter, SpoolMetrics metrics, ILogger log)
    {
        try
        {
            recovery.Run(() => _appended(), _stopping.Token);
        }
        catch (Exception exception) // the edge of a background task: what was not looked through stays on disk for the next start
        {
            metrics.Faulted();
            log.Faulted(exporter, exception);
        }
    }

    private static IDisposable Lock(string directory, ISpoolFiles files)
    {
        try
        {
            return files.Lock(Path.Combine(directory, LockFile));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SpoolException($"spool {directory} is in use by another process or exporter, which holds its file `{LockFile}`: give each a directory of its own ({exception.Message})", exception);
        }
    }
}
