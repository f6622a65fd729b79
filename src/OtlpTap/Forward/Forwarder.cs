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
        LastWord = new LastWordForwarder(this);
        _commits = [.. Enum.GetValues<Signal>().Select(signal => new GroupCommit(signal, _upstream, resend, options, metrics))];
    }

    public string Id { get; }

    /// <summary>Whether the last call or probe found the upstream. False before the first: <see cref="ProbeAsync"/> finds out.</summary>
    public bool IsReachable => _upstream.IsReachable;

    public Outstanding Outstanding { get; } = new();

    /// <summary>
    /// The same upstream for who passes its answer on to the sender: what it refuses counts as failed. Behind retries a
    /// refusal is not the end, and who gives up counts. (No exporter around this one: that would be one more task for each request.)
    /// </summary>
    public IExporter LastWord { get; }

    public Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation) =>
        ExportAsync(new ForwardRequest(this, signal, payload, metadata, isLastWord: false), cancellation);

    /// <summary>Whether the upstream is there now: costs nothing while there is a connection, and an attempt to connect otherwise.</summary>
    public ValueTask<bool> ProbeAsync(CancellationToken cancellation) => _upstream.ProbeAsync(cancellation);

    public Task DrainAsync(CancellationToken deadline) => Outstanding.DrainAsync(deadline);

    /// <summary>Ends what is still in flight with UNAVAILABLE and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        _upstream.Stop();
        await DrainAsync(CancellationToken.None);
        await _upstream.DisposeAsync();
    }

    internal void Unqueue(ForwardRequest request) => _commits[(int)request.Signal].Unqueue(request);

    /// <summary>The upstream's word on the request's items, whether or not the agent still waits for it.</summary>
    internal void Answered(ForwardRequest request, ExportReply reply) => _metrics.Answered(request.Signal, request.Items, reply, request.IsLastWord);

    internal void Replied(ExportReply reply) => _metrics.Replied(reply.Status);

    private Task<ExportReply> ExportAsync(ForwardRequest request, CancellationToken cancellation)
    {
        Outstanding.Enter(request.Signal);
        if (_upstream.IsRefusing(out var refusal))
        {
            request.EndBytes();
            request.Reply(refusal.Reply);
            return request.Task;
        }

        request.Watch(cancellation);
        if (request.Payload.Length <= _joinBytesMax && !(_passesGzip && request.Payload.Gzip is not null))
        {
            _commits[(int)request.Signal].Submit(request);
        }
        else
        {
            _ = SendAloneAsync(request);
        }

        return request.Task;
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

    private sealed class LastWordForwarder(Forwarder forwarder) : IExporter
    {
        public string Id => forwarder.Id;

        public bool IsReachable => forwarder.IsReachable;

        public Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation) =>
            forwarder.ExportAsync(new ForwardRequest(forwarder, signal, payload, metadata, isLastWord: true), cancellation);

        public ValueTask<bool> ProbeAsync(CancellationToken cancellation) => forwarder.ProbeAsync(cancellation);

        public Task DrainAsync(CancellationToken deadline) => forwarder.DrainAsync(deadline);

        // One upstream, one owner: the forwarder's.
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
