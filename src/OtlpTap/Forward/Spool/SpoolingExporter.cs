using System.Globalization;
using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>
/// An exporter with <c>on_upstream_failure: spool</c>. What its upstream does not take for a reason that may pass goes to
/// the disk, is acknowledged when it is durable there, and delivered when the upstream is back; each at least once.
/// A refusal for good is the sender's, as without a spool.
/// </summary>
internal sealed class SpoolingExporter : IExporter
{
    // What a sender is told at least to wait when the spool takes nothing.
    private static readonly TimeSpan RefusalDelayMin = TimeSpan.FromSeconds(1);

    private readonly IExporter _inner;
    private readonly DiskSpool _spool;
    private readonly UpstreamHealth _health;
    private readonly SpoolDelivery _delivery;
    private readonly SpoolMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly LineBound _fullLines;

    // Requests that are not answered, or whose bytes are not written yet. The drain waits for 0.
    private int _outstanding;
    private volatile bool _isDraining;
    private volatile bool _isClosed;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Takes over <paramref name="inner"/> and <paramref name="spool"/>, and begins to deliver what the spool holds.</summary>
    /// <param name="items">Told of what the spool gives up; of what the upstream takes <paramref name="inner"/> tells it.</param>
    public SpoolingExporter(
        IExporter inner,
        DiskSpool spool,
        TimeSpan ageMax,
        RetryOptions retry,
        PayloadPool pool,
        SpoolMetrics metrics,
        ExporterMetrics items,
        TimeProvider time,
        Random jitter,
        ILogger log)
    {
        _inner = inner;
        _spool = spool;
        _metrics = metrics;
        _time = time;
        _log = log;
        _fullLines = new LineBound(time);
        _health = new UpstreamHealth(retry, time, jitter);
        _delivery = new SpoolDelivery(inner, spool, _health, ageMax, retry, pool, metrics, items, time, jitter, log);
    }

    public string Id => _inner.Id;

    /// <summary>Also while only the spool takes data: senders need not go elsewhere.</summary>
    public bool IsReachable => _inner.IsReachable || HasRoom;

    /// <summary>The directory is free for another.</summary>
    public bool IsClosed => _isClosed;

    private bool HasRoom => !_spool.HasFailed && !_spool.IsFull && !_isClosed;

    /// <summary>Opens the spool of <paramref name="options"/> and puts it around <paramref name="inner"/>, which stays the caller's where this throws.</summary>
    /// <param name="retry">Of <c>max_elapsed_time</c> nothing is used: what waits ends with <c>spool.max_age</c>.</param>
    /// <exception cref="SpoolException">The directory cannot be used; the message says which and why.</exception>
    public static SpoolingExporter Open(
        IExporter inner, SpoolOptions options, RetryOptions retry, PayloadPool pool, SpoolMetrics metrics, ExporterMetrics items, TimeProvider time, ILogger<SpoolingExporter> log)
    {
        var spool = DiskSpool.Open(inner.Id, options, DiskFiles.Instance, metrics, time, log);
        return new SpoolingExporter(inner, spool, options.AgeMax, retry, pool, metrics, items, time, Random.Shared, log);
    }

    public Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _outstanding);
        return _health.IsDown
            ? SpoolAsync(signal, payload, metadata, upstreamFailure: null, cancellation)
            : TryUpstreamAsync(signal, payload, metadata, cancellation);
    }

    public async ValueTask<bool> ProbeAsync(CancellationToken cancellation) => await _inner.ProbeAsync(cancellation) || HasRoom;

    /// <summary>
    /// Ends when every request has its answer. What is in the spool stays there, durable, for the next run: from here on
    /// nothing more is delivered.
    /// </summary>
    public async Task DrainAsync(CancellationToken deadline)
    {
        var delivered = _delivery.StopAsync();
        var answered = DrainOutstandingAsync();

        // First what the upstream still answers: what it fails is appended.
        await _inner.DrainAsync(deadline);
        await answered.WaitAsync(deadline);
        await delivered.WaitAsync(deadline);
    }

    /// <summary>Ends what is in flight; what the upstream did not answer goes to the spool, which is closed then.</summary>
    public async ValueTask DisposeAsync()
    {
        await _delivery.DisposeAsync();
        await _inner.DisposeAsync();
        await DrainOutstandingAsync();
        await _spool.DisposeAsync();
        _isClosed = true;
        if (!_spool.IsEmpty)
        {
            _log.Left(Id, _spool.Directory, _spool.Records);
        }
    }

    /// <summary>Before each scrape.</summary>
    public void PublishMetrics() => _metrics.Sampled(_spool.Bytes, _spool.BytesMax, _spool.Records, _delivery.OldestAge, _delivery.Held, _health.IsDown);

    private Task DrainOutstandingAsync()
    {
        _isDraining = true;
        Interlocked.MemoryBarrier(); // the last request sees that there is a drain, or the drain that there is no request
        if (_outstanding == 0)
        {
            _drained.TrySetResult();
        }

        return _drained.Task;
    }

    private async Task<ExportReply> TryUpstreamAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation)
    {
        payload.AddReference();
        payload.HoldCredit();
        var started = _time.GetTimestamp();
        ExportReply reply;
        try
        {
            reply = await _inner.ExportAsync(signal, payload, metadata, cancellation);
        }
        catch (OperationCanceledException)
        {
            var waited = _time.GetElapsedTime(started);
            if (_health.SenderLeft(waited))
            {
                WentDown(StatusCode.DeadlineExceeded, string.Create(CultureInfo.InvariantCulture, $"a sender left after {waited.TotalSeconds:0.#} s without an answer"));
            }

            End(payload);
            throw;
        }

        if (!FailureKind.IsRetryable(reply))
        {
            if (_health.Answered(isDelivery: false))
            {
                _log.UpstreamUp(Id, _spool.Records);
                _delivery.HealthChanged();
            }

            End(payload);
            return reply;
        }

        if (reply.Status == StatusCode.ResourceExhausted)
        {
            // The limit may be this sender's alone. Said before the request is in the spool: its delivery waits as long.
            _delivery.Throttled(signal, metadata, FailureKind.TryGetRetryDelay(reply, out var told) ? told : TimeSpan.Zero);
        }
        else if (_health.Failed(reply, _time.GetElapsedTime(started), _inner.IsReachable, isDelivery: false))
        {
            WentDown(reply.Status, reply.Message);
        }

        return await SpoolAsync(signal, payload, metadata, reply, cancellation);
    }

    /// <param name="upstreamFailure">What the request itself got from the upstream; null where it was not tried.</param>
    private async Task<ExportReply> SpoolAsync(Signal signal, Payload payload, RequestMetadata metadata, ExportReply? upstreamFailure, CancellationToken cancellation)
    {
        var append = _spool.AppendAsync(signal, payload, metadata);
        _ = append.ContinueWith(static (_, state) => ((SpoolingExporter)state!).Ended(), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        switch (await append.WaitAsync(cancellation))
        {
            case SpoolAppend.Durable:
                return ExportReply.Accepted;

            case SpoolAppend.Full:
                _metrics.Refused(SpoolRefusal.Full);
                if (_fullLines.TryTake(out var further))
                {
                    _log.Full(Id, _spool.Directory, _spool.Bytes, _spool.BytesMax, further);
                }

                return Refuse("the upstream does not take data, and the spool is full");

            case SpoolAppend.Failed:
            default:
                _metrics.Refused(SpoolRefusal.DiskFailed);
                return upstreamFailure ?? Refuse("the upstream does not take data, and the spool cannot be written");
        }
    }

    private void WentDown(StatusCode status, string cause)
    {
        _log.UpstreamDown(Id, status, cause, _spool.Directory);
        _delivery.HealthChanged();
    }

    private ExportReply Refuse(string cause)
    {
        var message = $"exporter {Id}: {cause}";
        var delay = _health.UntilNextAttempt;
        var details = StatusDetails.RetryInfo(StatusCode.Unavailable, message, delay > RefusalDelayMin ? delay : RefusalDelayMin);
        return new ExportReply(StatusCode.Unavailable, message, ReadOnlyMemory<byte>.Empty, [StatusDetails.Trailer(details)]);
    }

    private void End(Payload payload)
    {
        payload.ReturnCredit();
        payload.Release();
        Ended();
    }

    private void Ended()
    {
        if (Interlocked.Decrement(ref _outstanding) == 0 && _isDraining)
        {
            _drained.TrySetResult();
        }
    }
}
