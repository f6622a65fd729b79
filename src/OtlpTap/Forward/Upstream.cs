using System.Runtime.CompilerServices;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>One upstream as the rest of the room sees it: a call always ends, within its timeout, in an answer. Nothing is thrown.</summary>
internal sealed class Upstream : IAsyncDisposable
{
    private readonly string _exporter;
    private readonly UpstreamEndpoint _endpoint;
    private readonly IUpstreamTransport _transport;
    private readonly TimeSpan _timeout;
    private readonly CallTimeouts _timeouts;
    private readonly ReconnectGate _gate;
    private readonly ForwardMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    // Holds the gate and what is told about it together; taken only when the gate turns.
    private readonly Lock _gateChange = new();

    // Written by the end of every call and probe; the last one's word holds.
    private volatile bool _isReachable;

    public Upstream(string exporter, UpstreamEndpoint endpoint, IUpstreamTransport transport, ForwardOptions options, ForwardMetrics metrics, TimeProvider time, ILogger log)
    {
        _exporter = exporter;
        _endpoint = endpoint;
        _transport = transport;
        _timeout = TimeSpan.FromSeconds(options.TimeoutSeconds);
        _timeouts = new CallTimeouts(_timeout, time);
        _gate = new ReconnectGate(
            TimeSpan.FromSeconds(options.ReconnectBackoffSeconds),
            TimeSpan.FromSeconds(options.ReconnectBackoffMaxSeconds),
            time,
            Random.Shared);
        _metrics = metrics;
        _time = time;
        _log = log;
    }

    /// <summary>Whether the last call or probe found the upstream. False before the first.</summary>
    public bool IsReachable => _isReachable && _gate.IsOpen;

    /// <summary>An answer that can be given without trying, while the upstream cannot be connected to or the tap stops.</summary>
    public bool IsRefusing(out UpstreamAnswer refusal)
    {
        if (_timeouts.IsStopped)
        {
            refusal = Stopping();
            return true;
        }

        var refuses = _gate.IsRefusing(out var closed);
        refusal = closed ?? default;
        return refuses;
    }

    /// <summary>Whether there is a connection to the upstream, or one can be made now. Ends within the call timeout.</summary>
    public async ValueTask<bool> ProbeAsync(CancellationToken cancellation)
    {
        if (_timeouts.IsStopped || !_gate.TryPass(out _))
        {
            return false;
        }

        // It is not given the caller's cancellation: half a probe would leave the gate without an answer.
        var probe = RunAsync(static async (upstream, _, token) => await upstream._transport.ProbeAsync(token) ?? UpstreamAnswer.Accepted, default).AsTask();
        var answer = await probe.WaitAsync(cancellation);
        return answer.IsReachable;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<UpstreamAnswer> CallAsync(Signal signal, UpstreamBody body, RequestMetadata metadata)
    {
        if (_timeouts.IsStopped)
        {
            return Stopping();
        }

        if (!_gate.TryPass(out var refusal))
        {
            return refusal.Value;
        }

        var started = _time.GetTimestamp();
        _metrics.CallStarted(signal, body.Count, body.MessageLength);
        var answer = await RunAsync(
            static (upstream, call, token) => upstream._transport.CallAsync(call.Signal, call.Body, call.Metadata!, token),
            new Call(signal, body, metadata));
        _metrics.CallEnded(signal, _time.GetElapsedTime(started));
        return answer;
    }

    /// <summary>Ends all calls; later ones are refused.</summary>
    public void Stop() => _timeouts.Stop();

    public async ValueTask DisposeAsync()
    {
        Stop();
        await _transport.DisposeAsync();
        _timeouts.Dispose();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<UpstreamAnswer> RunAsync(Func<Upstream, Call, CancellationToken, ValueTask<UpstreamAnswer>> send, Call call)
    {
        using var time = _timeouts.Start();
        UpstreamAnswer answer;
        try
        {
            answer = await send(this, call, time.Token);
        }
        catch (OperationCanceledException) when (time.Token.IsCancellationRequested)
        {
            answer = _timeouts.IsStopped ? Stopping() : TimedOut();
        }
        catch (Exception e) // The edge of every call loop: a mistake in one call must not leave the requests it carried waiting for ever.
        {
            _log.CallFaulted(_exporter, e);
            _metrics.Faulted();
            answer = UpstreamFailure.ConnectionLost(_endpoint, e.GetType().Name);
        }

        Note(answer);
        return answer;
    }

    private void Note(UpstreamAnswer answer)
    {
        switch (answer.Outcome)
        {
            case UpstreamOutcome.Answered:
                Reached();
                break;

            case UpstreamOutcome.Malformed:
                _metrics.Malformed();
                Reached();
                break;

            case UpstreamOutcome.NotGrpc:
                _metrics.NotGrpc();
                _isReachable = false;
                Open();
                break;

            // A stall is no outage: what was known about the upstream stays as it is.
            case UpstreamOutcome.TimedOut:
                _metrics.TimedOut();
                Open();
                break;

            case UpstreamOutcome.ConnectionLost:
                _metrics.ConnectionLost();
                Lost(answer);
                break;

            case UpstreamOutcome.ConnectFailed:
                _metrics.ConnectFailed();
                _isReachable = false;
                Close(answer);
                break;

            case UpstreamOutcome.NotSent:
            case UpstreamOutcome.NotWritable:
            default:
                break;
        }
    }

    private void Reached()
    {
        _isReachable = true;
        Open();
    }

    // A connection that served and broke is made again at once. One that breaks while the gate asks whether the
    // upstream is back (a proxy in front of a dead server accepts and closes) is as good as none.
    private void Lost(UpstreamAnswer answer)
    {
        _isReachable = false;
        if (!_gate.IsOpen)
        {
            Close(answer);
        }
    }

    private void Open()
    {
        if (_gate.IsOpen)
        {
            return;
        }

        lock (_gateChange)
        {
            if (_gate.Connected())
            {
                _metrics.GateOpened();
                _log.GateOpened(_exporter, _endpoint);
            }
        }
    }

    private void Close(UpstreamAnswer failure)
    {
        lock (_gateChange)
        {
            var wasOpen = _gate.IsOpen;
            if (_gate.ConnectFailed(retryAfter => UpstreamFailure.NotSent(failure.Reply.Message, retryAfter)) && wasOpen)
            {
                _metrics.GateClosed();
                _log.GateClosed(_exporter, failure.Reply.Message);
            }
        }
    }

    private UpstreamAnswer TimedOut() => UpstreamFailure.TimedOut(_endpoint, _timeout);

    private UpstreamAnswer Stopping() => UpstreamFailure.Stopping(_endpoint);

    private readonly record struct Call(Signal Signal, UpstreamBody Body, RequestMetadata? Metadata);
}
