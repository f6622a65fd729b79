using System.Collections.Concurrent;
using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>
/// Sends what is in the spool, oldest first, a few at a time so that fresh requests find room beside it. While the upstream
/// is down it sends one record at a time, at the pace of <see cref="UpstreamHealth"/>, and so finds out when it is up again.
/// One loop does it all; what happens elsewhere is put into a queue, and the loop woken.
/// </summary>
internal sealed class SpoolDelivery : IAsyncDisposable
{
    /// <summary>Records sent at the same time. As many as a <see cref="Forwarder"/> makes calls; more would only wait there.</summary>
    public const int InFlightMax = 4;

    /// <summary>
    /// How far behind the oldest one not delivered others may be sent: what a crash sends a second time. One call that stalls
    /// holds up the others after so many.
    /// </summary>
    public const int WindowMax = 32;

    /// <summary>Message bytes in memory for deliveries; a larger record goes alone.</summary>
    public const long BytesInFlightMax = 16 << 20;

    // A file that cannot be read may come back, as a network file system does; then its segment is given up, and kept.
    private const int ReadAttemptsMax = 5;

    // How often the loop looks while there is something to wait for: the age of records, a probe, the next attempt.
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(5);

    // After an error of our own, so that one which comes again costs little.
    private static readonly TimeSpan FaultDelay = TimeSpan.FromSeconds(5);

    private readonly IExporter _inner;
    private readonly DiskSpool _spool;
    private readonly SpoolReader _reader;
    private readonly UpstreamHealth _health;
    private readonly TimeSpan _ageMax;
    private readonly PayloadPool _pool;
    private readonly SpoolMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ExporterMetrics _items;
    private readonly LineBound _discardLines;
    private readonly LineBound _heldLines;
    private readonly ByteBudget _budget = new(BytesInFlightMax);
    private readonly WakeSignal _wake = new();
    private readonly ConcurrentQueue<(PendingDelivery Delivery, RequestMetadata Metadata, ExportReply? Reply, TimeSpan Took)> _ended = new();
    private readonly ConcurrentQueue<(Signal Signal, RequestMetadata Metadata, TimeSpan Told)> _throttled = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly ITimer _timer;
    private readonly Task _loop;

    private volatile bool _isStopping;
    private volatile bool _isProbing;

    // The loop alone.
    private readonly Queue<PendingDelivery> _window = new();
    private readonly HeldRecords _held;
    private int _inFlight;
    private int _readFailures;
    private long _probedAt;
    private long? _emptySince;

    // Written by the loop; 0 when nothing waits.
    private long _oldestUnixNano;
    private volatile int _heldCount;

    /// <param name="items">Told of what is given up; of what is delivered the exporter inside tells it.</param>
    public SpoolDelivery(
        IExporter inner,
        DiskSpool spool,
        UpstreamHealth health,
        TimeSpan ageMax,
        RetryOptions retry,
        PayloadPool pool,
        SpoolMetrics metrics,
        ExporterMetrics items,
        TimeProvider time,
        Random jitter,
        ILogger log)
    {
        _held = new HeldRecords(retry, time, jitter);
        _items = items;
        _heldLines = new LineBound(time);
        _inner = inner;
        _spool = spool;
        _reader = spool.Reader;
        _health = health;
        _ageMax = ageMax;
        _pool = pool;
        _metrics = metrics;
        _time = time;
        _log = log;
        _discardLines = new LineBound(time);
        _probedAt = time.GetTimestamp();
        _timer = time.CreateTimer(static wake => ((WakeSignal)wake!).Set(), _wake, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        spool.OnAppended(_wake.Set);
        _wake.Set();
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Of the oldest request that is not delivered; zero when there is none.</summary>
    public TimeSpan OldestAge =>
        Interlocked.Read(ref _oldestUnixNano) is > 0 and var oldest ? Max(_time.GetUtcNow() - FromUnixNano(oldest), TimeSpan.Zero) : TimeSpan.Zero;

    /// <summary>Records that the upstream did not take and that others go past.</summary>
    public int Held => _heldCount;

    /// <summary>A request that came fresh was throttled, and is going to the spool: what is there of its sender waits as long.</summary>
    public void Throttled(Signal signal, RequestMetadata metadata, TimeSpan told) => _throttled.Enqueue((signal, metadata, Min(told, UpstreamHealth.RetryDelayMax)));

    /// <summary>The upstream went down or up: the pace changes.</summary>
    public void HealthChanged() => _wake.Set();

    /// <summary>Starts no more deliveries. Ends when those in flight have ended, and what they brought is noted.</summary>
    public Task StopAsync()
    {
        _isStopping = true;
        _wake.Set();
        return _loop;
    }

    /// <summary>The same without waiting for the upstream's answers: what is in flight is sent again by the next run.</summary>
    public async ValueTask DisposeAsync()
    {
        var stopped = StopAsync();
        await _abort.CancelAsync();
        await stopped;
        await _timer.DisposeAsync();
        _abort.Dispose();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            await _wake.WaitAsync();
            try
            {
                if (!Turn())
                {
                    return;
                }
            }
            catch (Exception exception) // the edge of the loop: it must go on, for nobody else delivers
            {
                _metrics.Faulted();
                _log.Faulted(_inner.Id, exception);
                _timer.Change(FaultDelay, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private bool Turn()
    {
        Settle();
        if (_isStopping)
        {
            return _inFlight > 0;
        }

        DiscardOld();
        StartWhatMay();
        Settle();
        Probe();
        Tidy();
        Note();
        var isWaiting = !_spool.IsEmpty || _health.IsDown || _spool.HasActiveSegment;
        _timer.Change(isWaiting ? Tick : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        return true;
    }

    private void Settle()
    {
        while (_ended.TryDequeue(out var ended))
        {
            _inFlight--;
            Settle(ended.Delivery, ended.Metadata, ended.Reply, ended.Took);
        }

        Advance();
    }

    private void Settle(PendingDelivery delivery, RequestMetadata metadata, ExportReply? reply, TimeSpan took)
    {
        delivery.State = DeliveryState.Waiting;
        if (reply is null)
        {
            return; // given up, because the tap stops
        }

        var header = delivery.Record.Header;
        var verdict = SpoolVerdicts.Of(reply, header.MessageLength);
        if (verdict == SpoolVerdict.UpstreamFailed)
        {
            UpstreamFailed(delivery, metadata, reply, took);
            return;
        }

        if (_health.Answered(isDelivery: true))
        {
            _log.UpstreamUp(_inner.Id, _spool.Records);
        }

        switch (verdict)
        {
            case SpoolVerdict.Delivered:
                _held.Find(header.Signal, metadata)?.Taken(delivery);
                _metrics.Delivered(header.Signal, header.ItemCount, PartialSuccess.TryRead(reply.Body.Span, out var partial) ? partial.Rejected : 0);
                End(delivery);
                break;

            case SpoolVerdict.BytesRefused:
                _held.Find(header.Signal, metadata)?.End(delivery);
                Discard(delivery, SpoolDiscard.Refused, $"{reply.Status}: {reply.Message}");
                break;

            default:
                NotTaken(delivery, metadata, reply, verdict);
                break;
        }
    }

    private void UpstreamFailed(PendingDelivery delivery, RequestMetadata metadata, ExportReply reply, TimeSpan took)
    {
        delivery.LastStatus = reply.Status;
        _metrics.DeliveryRetried();
        _held.Find(delivery.Record.Header.Signal, metadata)?.End(delivery);
        if (delivery.Lane is not null)
        {
            _held.PutBack(delivery);
        }

        if (_health.Failed(reply, took, _inner.IsReachable, isDelivery: true))
        {
            _log.UpstreamDown(_inner.Id, reply.Status, reply.Message, _spool.Directory);
        }
    }

    /// <summary>The upstream is there and does not take this record: it waits, and others go past it.</summary>
    private void NotTaken(PendingDelivery delivery, RequestMetadata metadata, ExportReply reply, SpoolVerdict verdict)
    {
        delivery.LastStatus = reply.Status;
        _metrics.DeliveryRetried();
        var told = FailureKind.TryGetRetryDelay(reply, out var delay) ? Min(delay, UpstreamHealth.RetryDelayMax) : TimeSpan.Zero;
        var lane = _held.NotTaken(delivery, metadata, verdict, told);
        _held.TryHold(delivery, lane); // without room it stays where it is, and holds up what is behind it
        if (_heldLines.TryTake(out var further))
        {
            _log.Held(_inner.Id, delivery.Record.Header.Signal, reply.Status, reply.Message, _held.Count, _ageMax, further);
        }
    }

    /// <summary>Removes what has ended from the spool, in order; what is held is passed, and removed when it ends.</summary>
    private void Advance()
    {
        while (_window.TryPeek(out var oldest) && (oldest.State == DeliveryState.Ended || oldest.Lane is not null))
        {
            _window.Dequeue();
            if (oldest.State == DeliveryState.Ended)
            {
                _reader.Remove(oldest.Record);
            }
            else
            {
                oldest.IsPassed = true;
                _reader.Pass(oldest.Record);
            }
        }

        _reader.Flush();
    }

    private void DiscardOld()
    {
        while (_held.Oldest is { State: DeliveryState.Waiting } held && IsOld(held))
        {
            Discard(held, SpoolDiscard.TooOld, Waited(held));
        }

        Advance();
        while ((_window.Count > 0 || TryEnqueueNext()) && _window.Peek() is { State: DeliveryState.Waiting } oldest && IsOld(oldest))
        {
            Discard(oldest, SpoolDiscard.TooOld, Waited(oldest));
            Advance();
        }
    }

    private void StartWhatMay()
    {
        while (_inFlight < (_health.IsDown ? 1 : InFlightMax) && _health.UntilNextAttempt == TimeSpan.Zero && (_held.Due() ?? NextOfWindow()) is { } delivery)
        {
            if (IsOld(delivery))
            {
                Discard(delivery, SpoolDiscard.TooOld, Waited(delivery));
            }
            else if (!TryStart(delivery))
            {
                break;
            }
        }

        Advance();
    }

    /// <summary>The oldest record that may be tried; those of senders that the upstream takes nothing from are put aside on the way.</summary>
    private PendingDelivery? NextOfWindow()
    {
        while (true)
        {
            foreach (var candidate in _window)
            {
                if (candidate is { State: DeliveryState.Waiting, Lane: null } && candidate.NotBefore <= _time.GetTimestamp() && MayBeTried(candidate))
                {
                    return candidate;
                }
            }

            Advance();
            if (_window.Count >= WindowMax || !TryEnqueueNext())
            {
                return null;
            }
        }
    }

    private bool MayBeTried(PendingDelivery candidate)
    {
        TakeThrottled();
        if (!_held.HasLanes)
        {
            return true;
        }

        candidate.Metadata ??= _reader.ReadMetadata(candidate.Record);
        if (_held.Find(candidate.Record.Header.Signal, candidate.Metadata) is not { IsOpen: false } closed)
        {
            return true;
        }

        _held.TryHold(candidate, closed);
        return false;
    }

    private void TakeThrottled()
    {
        while (_throttled.TryDequeue(out var throttled))
        {
            _held.Throttled(throttled.Signal, throttled.Metadata, throttled.Told);
        }
    }

    private bool TryEnqueueNext()
    {
        try
        {
            if (!_reader.TryReadNext(out var record))
            {
                return false;
            }

            _window.Enqueue(new PendingDelivery(record));
            _readFailures = 0;
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _reader.FileFailed(_spool.Directory, exception);
            if (++_readFailures >= ReadAttemptsMax)
            {
                _readFailures = 0;
                _reader.SkipSegment();
            }

            return false;
        }
    }

    /// <summary>False when nothing more can be started now.</summary>
    private bool TryStart(PendingDelivery delivery)
    {
        var record = delivery.Record;
        if (!_budget.TryTake(record.Header.MessageLength))
        {
            return false;
        }

        Payload? payload = null;
        RequestMetadata metadata;
        try
        {
            if (_reader.ReadBody(record, _pool, out payload, out metadata) == RecordBody.Damaged)
            {
                DiscardDamaged(delivery, "its checksum does not match");
                return true;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _reader.FileFailed(record.Segment.Path, exception);
            if (++delivery.ReadFailures < ReadAttemptsMax)
            {
                return false;
            }

            DiscardDamaged(delivery, exception.Message);
            return true;
        }
        finally
        {
            if (payload is null)
            {
                _budget.Return(record.Header.MessageLength);
            }
        }

        payload!.AttachCredit(_budget, record.Header.MessageLength);
        _held.Begin(delivery, metadata);
        delivery.State = DeliveryState.InFlight;
        _inFlight++;
        _ = SendAsync(delivery, payload, metadata);
        return true;
    }

    private async Task SendAsync(PendingDelivery delivery, Payload payload, RequestMetadata metadata)
    {
        var started = _time.GetTimestamp();
        ExportReply? reply = null;
        try
        {
            reply = await _inner.ExportAsync(delivery.Record.Header.Signal, payload, metadata, _abort.Token);
        }
        catch (OperationCanceledException) when (_abort.IsCancellationRequested)
        {
            // The tap stops; the record stays.
        }
        catch (Exception exception) // an exporter throws nothing else: were it to, the record must not stay in flight for ever
        {
            _metrics.Faulted();
            _log.Faulted(_inner.Id, exception);
            reply = new ExportReply(StatusCode.Unavailable, exception.GetType().Name, ReadOnlyMemory<byte>.Empty, []);
        }

        _ended.Enqueue((delivery, metadata, reply, _time.GetElapsedTime(started)));
        _wake.Set();
    }

    private void Discard(PendingDelivery delivery, SpoolDiscard reason, string detail)
    {
        var header = delivery.Record.Header;
        _metrics.Discarded(reason, header.ItemCount);
        _items.SendFailed(header.Signal, header.ItemCount);
        _items.Lost(header.Signal, header.ItemCount, LossReason.Failed);
        if (_discardLines.TryTake(out var further))
        {
            _log.Discarded(_inner.Id, header.Signal, header.ItemCount, detail, further);
        }

        End(delivery);
    }

    /// <summary>It leaves the spool: at once where others went past it, else when those before it have left.</summary>
    private void End(PendingDelivery delivery)
    {
        delivery.State = DeliveryState.Ended;
        if (delivery.Lane is not null)
        {
            _held.Remove(delivery);
        }

        if (delivery.IsPassed)
        {
            _reader.RemovePassed(delivery.Record);
        }

        if (_heldCount > 0 && _held.Count == 0)
        {
            _log.NoneHeld(_inner.Id);
        }

        _heldCount = _held.Count;
    }

    private void DiscardDamaged(PendingDelivery delivery, string detail)
    {
        _reader.MarkDamaged(delivery.Record.Segment, delivery.Record.Offset);
        Discard(delivery, SpoolDiscard.Corrupt, detail);
    }

    /// <summary>Between two attempts at an upstream that cannot be connected to, a connection may be there before the next one is due.</summary>
    private void Probe()
    {
        if (_isProbing || _inFlight > 0 || !_health.IsDown || _time.GetElapsedTime(_probedAt) < ProbeInterval)
        {
            return;
        }

        // With nothing to deliver a probe is all there is to find out by.
        if (_health.IsWorthProbing || (_spool.IsEmpty && _health.UntilNextAttempt == TimeSpan.Zero))
        {
            _probedAt = _time.GetTimestamp();
            _isProbing = true;
            _ = ProbeAsync();
        }
    }

    private async Task ProbeAsync()
    {
        try
        {
            if (await _inner.ProbeAsync(_abort.Token))
            {
                _health.FoundReachable();
                if (_spool.IsEmpty && _health.Answered(isDelivery: true))
                {
                    _log.UpstreamUp(_inner.Id, 0);
                }
            }
        }
        catch (OperationCanceledException) when (_abort.IsCancellationRequested)
        {
            // The tap stops.
        }
        catch (Exception exception) // the edge of the probe: the next one may find out
        {
            _metrics.Faulted();
            _log.Faulted(_inner.Id, exception);
        }

        _isProbing = false;
        _wake.Set();
    }

    /// <summary>Lets the last segment go when all is delivered and nothing came for a while: each new one costs two syncs.</summary>
    private void Tidy()
    {
        _reader.RetryFiles();
        _held.Tidy();
        if (!_spool.IsEmpty || !_spool.HasActiveSegment)
        {
            _emptySince = null;
        }
        else if (_emptySince is not { } since)
        {
            _emptySince = _time.GetTimestamp();
        }
        else if (_time.GetElapsedTime(since) >= Tick && _spool.TrySeal())
        {
            _emptySince = null;
        }
    }

    private void Note()
    {
        var oldest = (_held.Oldest, _window.TryPeek(out var next) ? next : null) switch
        {
            ({ } held, { } first) => SpooledRecord.Compare(held.Record, first.Record) < 0 ? held : first,
            var (held, first) => held ?? first,
        };
        Interlocked.Exchange(ref _oldestUnixNano, oldest?.Record.Header.ReceivedUnixNano ?? 0);
        _heldCount = _held.Count;
    }

    private string Waited(PendingDelivery delivery) =>
        delivery.LastStatus is { } status ? $"waited longer than {_ageMax}, the upstream's last answer to it was {status}" : $"waited longer than {_ageMax}";

    private bool IsOld(PendingDelivery delivery) => _time.GetUtcNow() - FromUnixNano(delivery.Record.Header.ReceivedUnixNano) > _ageMax;

    private static DateTimeOffset FromUnixNano(long unixNano) => DateTimeOffset.UnixEpoch + TimeSpan.FromTicks(unixNano / TimeSpan.NanosecondsPerTick);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
