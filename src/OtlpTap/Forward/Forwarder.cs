using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>
/// The way to one upstream. The reply is the upstream's own, unchanged; what the tap says itself, when there is none to
/// pass on, is always retryable and names the endpoint and the cause.
/// </summary>
internal sealed class Forwarder : IExporter
{
    private readonly Upstream _upstream;
    private readonly ForwardMetrics _metrics;
    private readonly GroupCommit[] _commits;
    private readonly int _joinBytesMax;
    private readonly bool _passesGzip;

    // Requests whose bytes are still needed, whether or not their agents wait. The drain waits for 0.
    private int _outstanding;
    private TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="exporter">The exporter's name in the configuration: label of the metrics and name in the log.</param>
    /// <param name="endpoint">What messages call the upstream.</param>
    /// <param name="transport">The line to it; disposed with the forwarder.</param>
    /// <param name="options">How requests are joined and calls are timed.</param>
    /// <param name="metrics">The exporter's own.</param>
    /// <param name="time">For timeouts.</param>
    /// <param name="log">For what an operator has to know of the upstream.</param>
    /// <param name="passesGzip">The transport sends a request's own gzip form, which joining would lose.</param>
    public Forwarder(string exporter, UpstreamEndpoint endpoint, IUpstreamTransport transport, ForwardOptions options, ForwardMetrics metrics, TimeProvider time, ILogger<Forwarder> log, bool passesGzip = false)
    {
        Id = exporter;
        _upstream = new Upstream(exporter, endpoint, transport, options, metrics, time, log);
        _metrics = metrics;
        _joinBytesMax = options.JoinBytesMax;
        _passesGzip = passesGzip;
        var resend = new SingleResend(_upstream, options.CallsInFlightMax, exporter, metrics, log);
        _commits = [.. Enum.GetValues<Signal>().Select(signal => new GroupCommit(signal, _upstream, resend, options, metrics))];
    }

    public string Id { get; }

    /// <summary>Whether the last call or probe found the upstream. False before the first: <see cref="ProbeAsync"/> finds out.</summary>
    public bool IsReachable => _upstream.IsReachable;

    public Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _outstanding);
        var request = new ForwardRequest(this, signal, payload, metadata);
        if (_upstream.IsRefusing(out var refusal))
        {
            request.EndBytes();
            request.Reply(refusal.Reply);
            return request.Task;
        }

        request.Watch(cancellation);
        if (payload.Length <= _joinBytesMax && !(_passesGzip && payload.Gzip is not null))
        {
            _commits[(int)signal].Submit(request);
        }
        else
        {
            _ = SendAloneAsync(request);
        }

        return request.Task;
    }

    /// <summary>Whether the upstream is there now: costs nothing while there is a connection, and an attempt to connect otherwise.</summary>
    public ValueTask<bool> ProbeAsync(CancellationToken cancellation) => _upstream.ProbeAsync(cancellation);

    public Task DrainAsync(CancellationToken deadline)
    {
        var drained = Volatile.Read(ref _drained);
        if (drained.Task.IsCompleted)
        {
            var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var found = Interlocked.CompareExchange(ref _drained, next, drained);
            drained = found == drained ? next : found;
        }

        if (Volatile.Read(ref _outstanding) == 0)
        {
            drained.TrySetResult();
        }

        return drained.Task.WaitAsync(deadline);
    }

    /// <summary>Ends what is still in flight with UNAVAILABLE and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        _upstream.Stop();
        await DrainAsync(CancellationToken.None);
        await _upstream.DisposeAsync();
    }

    internal void Unqueue(ForwardRequest request) => _commits[(int)request.Signal].Unqueue(request);

    internal void Replied(ExportReply reply) => _metrics.Replied(reply.Status);

    internal void BytesEnded()
    {
        if (Interlocked.Decrement(ref _outstanding) == 0)
        {
            Volatile.Read(ref _drained).TrySetResult();
        }
    }

    private async Task SendAloneAsync(ForwardRequest request)
    {
        if (request.HasLeft)
        {
            _metrics.Abandoned();
            request.EndBytes();
            return;
        }

        var answer = await _upstream.CallAsync(request.Signal, new UpstreamBody(request.Payload), request.Metadata);
        request.EndBytes();
        request.Reply(answer.Reply);
    }
}
