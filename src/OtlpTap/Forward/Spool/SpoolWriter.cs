using System.Buffers.Binary;
using System.Security.Cryptography;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>
/// Appends requests and makes them durable in groups: while one group is written and synced, what comes waits, and is the
/// next one. Nothing is acknowledged before the sync of its group has succeeded. A thread of its own does it, for a sync
/// may hold its thread for seconds.
/// </summary>
internal sealed class SpoolWriter(
    string exporter,
    string directory,
    int segmentBytesMax,
    ISpoolFiles files,
    SegmentList segments,
    Action appended,
    SpoolMetrics metrics,
    TimeProvider time,
    ILogger log)
{
    private readonly object _gate = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LineBound _failureLines = new(time);

    // Under the gate.
    private List<PendingAppend> _waiting = [];
    private bool _isWriting;
    private bool _isStopped;
    private bool _isStarted;

    // By the writer's thread; sealed by others only under the gate, while it does not write.
    private SpoolSegment? _active;
    private ISpoolFile? _file;

    // The writer's thread alone.
    private readonly List<ReadOnlyMemory<byte>> _buffers = [];
    private List<PendingAppend> _taken = [];

    // Written by the writer's thread.
    private volatile bool _hasFailed;

    /// <summary>Whether the last group could not be made durable.</summary>
    public bool HasFailed => _hasFailed;

    /// <summary>Takes over one reference to <paramref name="payload"/> and one hold of its credit, until the bytes are written.</summary>
    public Task<SpoolAppend> AppendAsync(Signal signal, Payload payload, RequestMetadata metadata)
    {
        var append = new PendingAppend(signal, payload, metadata, time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000);
        lock (_gate)
        {
            if (_isStopped)
            {
                append.End(SpoolAppend.Failed);
            }
            else if (!segments.TryReserve(append.Length))
            {
                append.End(SpoolAppend.Full);
            }
            else
            {
                _waiting.Add(append);
                Wake();
            }
        }

        return append.Task;
    }

    /// <summary>Closes the active segment, so that it can be deleted once it is delivered. False while something is being appended.</summary>
    public bool TrySeal()
    {
        lock (_gate)
        {
            if (_isWriting || _waiting.Count > 0)
            {
                return false;
            }

            Seal();
            return true;
        }
    }

    public bool HasActiveSegment => Volatile.Read(ref _active) is not null;

    /// <summary>Ends when what waits is written; later appends fail.</summary>
    public Task StopAsync()
    {
        lock (_gate)
        {
            _isStopped = true;
            if (!_isStarted)
            {
                _ended.TrySetResult();
            }

            Monitor.Pulse(_gate);
        }

        return _ended.Task;
    }

    private void Wake()
    {
        if (!_isStarted)
        {
            _isStarted = true;
            new Thread(Run) { IsBackground = true, Name = $"spool of {exporter}" }.Start();
        }

        Monitor.Pulse(_gate);
    }

    private void Run()
    {
        while (TryTakeWaiting())
        {
            var first = 0;
            while (first < _taken.Count)
            {
                first += WriteGroup(first);
            }

            _taken.Clear();
        }

        lock (_gate)
        {
            Seal();
        }

        _ended.TrySetResult();
    }

    private bool TryTakeWaiting()
    {
        lock (_gate)
        {
            _isWriting = false;
            while (_waiting.Count == 0)
            {
                if (_isStopped)
                {
                    return false;
                }

                Monitor.Wait(_gate);
            }

            _isWriting = true;
            (_taken, _waiting) = (_waiting, _taken);
            return true;
        }
    }

    /// <summary>Writes and syncs as many as fit into one segment, at least one; returns how many.</summary>
    private int WriteGroup(int first)
    {
        var count = 0;
        long bytes = 0;
        var result = SpoolAppend.Failed;
        try
        {
            var segment = ActiveFor(_taken[first].Length);
            _buffers.Clear();
            while (first + count < _taken.Count && (count == 0 || segment.ReadableLength + bytes + _taken[first + count].Length <= segmentBytesMax))
            {
                var append = _taken[first + count];
                append.AddBuffers(segment.Marker, _buffers);
                bytes += append.Length;
                count++;
            }

            Write(segment);
            var started = time.GetTimestamp();
            Sync(segment);
            metrics.GroupSynced(count, time.GetElapsedTime(started));
            segments.Committed(segment, bytes, count);
            result = SpoolAppend.Durable;
            _hasFailed = false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Failed(exception);
        }
        catch (Exception exception) // the edge of the writer's thread: the senders that wait must get an answer whatever went wrong
        {
            metrics.Faulted();
            log.Faulted(exporter, exception);
            Failed(exception);
        }
        finally
        {
            _buffers.Clear();
        }

        if (result != SpoolAppend.Durable)
        {
            // The others of this turn would find the same disk: all of them are told at once.
            count = _taken.Count - first;
            bytes = _taken.Skip(first).Sum(append => append.Length);
            segments.Unreserve(bytes);
        }

        End(first, count, result);
        return count;
    }

    private void End(int first, int count, SpoolAppend result)
    {
        for (var i = first; i < first + count; i++)
        {
            if (result == SpoolAppend.Durable)
            {
                metrics.Appended(_taken[i].Signal, _taken[i].ItemCount);
            }

            _taken[i].End(result);
        }

        if (result == SpoolAppend.Durable)
        {
            appended();
        }
    }

    private SpoolSegment ActiveFor(long recordLength)
    {
        if (_active is { } active && (active.ReadableLength + recordLength <= segmentBytesMax || active.ReadableLength == SegmentHeader.Length))
        {
            return active;
        }

        Seal();
        active = CreateSegment(out var file);
        segments.Add(active);
        _file = file;
        Volatile.Write(ref _active, active);
        return active;
    }

    // A segment is in the directory, durable, before the first record goes into it.
    private SpoolSegment CreateSegment(out ISpoolFile file)
    {
        var number = segments.NextNumber();
        var marker = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        var path = Path.Combine(directory, SpoolSegment.FileName(number));
        file = files.Create(path);
        try
        {
            file.Write([new SegmentHeader(marker, number, time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000).ToBytes()], 0);
            file.Sync();
            files.SyncDirectory(directory);
        }
        catch
        {
            file.Dispose();
            TryDelete(path);
            throw;
        }

        return new SpoolSegment(number, path, marker);
    }

    private void Write(SpoolSegment segment)
    {
        try
        {
            _file!.Write(_buffers, segment.ReadableLength);
        }
        catch
        {
            // A disk that filled up half-way leaves a part, which must not stay behind what follows it.
            CutOrAbandon(segment);
            throw;
        }
    }

    private void Sync(SpoolSegment segment)
    {
        try
        {
            _file!.Sync();
        }
        catch
        {
            // After a failed sync the kernel takes the lost pages for clean, and the next sync for this file would succeed
            // without them. Nothing goes into it any more; what was durable before still is.
            CutOrAbandon(segment);
            Seal();
            throw;
        }
    }

    private void CutOrAbandon(SpoolSegment segment)
    {
        try
        {
            _file!.SetLength(segment.ReadableLength);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            metrics.DiskFailed();
            Seal();
        }
    }

    private void Seal()
    {
        if (_active is { } active)
        {
            _file!.Dispose();
            _file = null;
            active.IsSealed = true;
            Volatile.Write(ref _active, null);
            appended();
        }
    }

    private void TryDelete(string path)
    {
        try
        {
            files.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            metrics.DiskFailed(); // an empty segment stays, and goes at the next start
        }
    }

    private void Failed(Exception exception)
    {
        _hasFailed = true;
        metrics.DiskFailed();
        if (_failureLines.TryTake(out var further))
        {
            log.DiskFailed(exporter, directory, exception.Message, further);
        }
    }
}
