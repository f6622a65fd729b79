using System.Diagnostics;
using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// gRPC calls to one upstream over HTTP/2 connections of its own. Normally one connection; a further one when the peer's
/// streams are used up, to at most <see cref="ConnectionsMax"/>; then calls wait, first in, first out.
/// <code>
///   CallAsync ──▶ a connection with a free slot ──▶ answer
///      │  none         ▲        │ not processed (refused, GOAWAY, never sent)
///      └──▶ waiting ───┘◀───────┘  at most AttemptsMax times
/// </code>
/// </summary>
internal sealed class Http2Transport : IUpstreamTransport
{
    public const int ConnectionsMax = 4;

    /// <summary>A call that was certainly not processed goes out again; an upstream that keeps refusing is believed in the end.</summary>
    public const int AttemptsMax = 3;

    /// <summary>Kestrel, where the metadata comes from, takes 32 KiB of headers in all.</summary>
    public const int RequestHeaderBytesMax = 48 << 10;

    private const int FreeCallsMax = 1024;
    private const string ClosedCause = "the transport was closed";

    private readonly UpstreamOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Http2Connector _connector;
    private readonly RequestHeaderBlocks _headers;
    private readonly int _firstStreamId;
    private readonly CancellationTokenSource _lifetime = new();
    private readonly Lock _gate = new();

    // Guarded by the gate.
    private readonly List<Http2Connection> _connections = [];
    private readonly CallQueue _waiting = new();
    private readonly Stack<Http2Call> _free = [];
    private Task _connecting = Task.CompletedTask;
    private bool _isConnecting;
    private bool _isDisposed;

    public Http2Transport(UpstreamOptions options, TimeProvider time, ILogger<Http2Transport> logger)
        : this(options, time, logger, firstStreamId: 1)
    {
    }

    /// <param name="options">Where and how.</param>
    /// <param name="time">For connecting and keepalive.</param>
    /// <param name="logger">Connections come and go.</param>
    /// <param name="firstStreamId">The id of a connection's first stream; 2^31-1 leaves room for that one.</param>
    internal Http2Transport(UpstreamOptions options, TimeProvider time, ILogger<Http2Transport> logger, int firstStreamId)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _firstStreamId = firstStreamId;
        _connector = new Http2Connector(options, time);
        _headers = new RequestHeaderBlocks(options);
        Failures = new Http2Failures(options.Endpoint);
    }

    public Http2Failures Failures { get; }

    public ValueTask<UpstreamAnswer> CallAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<UpstreamAnswer>(cancellation);
        }

        return CallAsync(_headers.For(signal, metadata), body, cancellation);
    }

    /// <summary>Asks gRPC's health service: an answer of any status shows that the upstream is there.</summary>
    public ValueTask<UpstreamAnswer> ProbeAsync(CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<UpstreamAnswer>(cancellation);
        }

        // An empty HealthCheckRequest: the health of the server as a whole.
        return CallAsync(_headers.ForHealthCheck(), new UpstreamBody(ReadOnlyMemory<Payload>.Empty), cancellation);
    }

    private ValueTask<UpstreamAnswer> CallAsync(RequestHeaderBlock headers, UpstreamBody body, CancellationToken cancellation)
    {
        if (headers.Bytes.Length > RequestHeaderBytesMax)
        {
            return new(Failures.RequestHeadersTooLarge(headers.Bytes.Length, RequestHeaderBytesMax));
        }

        Http2Call call;
        ValueTask<UpstreamAnswer> answer;
        lock (_gate)
        {
            if (_isDisposed)
            {
                return new(Failures.ConnectFailed(ClosedCause));
            }

            call = _free.TryPop(out var free) ? free : new Http2Call(this, _options.ResponseBytesMax);
            call.Begin(headers, body);
            answer = call.Answer;
            Dispatch(call);
        }

        // The call cannot be reused before this method has returned its task.
        call.Watch(cancellation);
        return answer;
    }

    public async ValueTask DisposeAsync()
    {
        Task[] ending;
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            ending = [_connecting, .. _connections.Select(connection => connection.Ended)];
            FailWaiting(ClosedCause);
            foreach (var connection in _connections.ToArray())
            {
                connection.Close(Http2ErrorCode.None, ClosedCause);
            }
        }

        await _lifetime.CancelAsync();
        await Task.WhenAll(ending);
        _lifetime.Dispose();
    }

    // From here on: for calls and connections.

    /// <summary>Without the gate: the consumer has its answer.</summary>
    public void Return(Http2Call call)
    {
        lock (_gate)
        {
            if (_free.Count < FreeCallsMax)
            {
                _free.Push(call);
            }
        }
    }

    /// <summary>Without the gate: the caller's cancellation fired.</summary>
    public void Cancel(Http2Call call, CancellationToken token)
    {
        lock (_gate)
        {
            if (call.IsSettled)
            {
                return;
            }

            if (call.Connection is { } connection)
            {
                connection.Abort(call);
            }
            else
            {
                _waiting.Remove(call);
            }

            call.SettleCancelled(token);
        }
    }

    /// <summary>With the gate held, as all of the following: a call that a connection could not serve, and of which the upstream has done nothing.</summary>
    public void Redispatch(Http2Call call)
    {
        if (_isDisposed || call.Attempts >= AttemptsMax)
        {
            call.Settle(Failures.ConnectionLost(_isDisposed ? ClosedCause : $"the request came back unprocessed {call.Attempts} times"));
            return;
        }

        call.Rewind();
        Dispatch(call);
    }

    /// <summary>Gives waiting calls to a connection with free slots.</summary>
    public void GiveSlots(Http2Connection connection)
    {
        while (connection.HasSlot && _waiting.First is { } call)
        {
            _waiting.Remove(call);
            if (IsTooLargeFor(connection, call))
            {
                continue;
            }

            connection.Add(call);
        }
    }

    /// <summary>Opens a connection when calls wait and one more is allowed.</summary>
    public void MakeRoom()
    {
        if (_waiting.First is null || _isConnecting || _isDisposed || _connections.Count(connection => connection.TakesCalls) >= ConnectionsMax)
        {
            return;
        }

        _isConnecting = true;
        _connecting = Task.Run(ConnectAsync);
    }

    public void Remove(Http2Connection connection)
    {
        if (_connections.Remove(connection) && !_isDisposed)
        {
            MakeRoom();
        }
    }

    public void LogEnded(string cause, int callsLost) =>
        _logger.ConnectionEnded(callsLost == 0 ? LogLevel.Information : LogLevel.Warning, _options.Endpoint, cause, callsLost);

    public void LogUnexpected(Exception exception) => _logger.Unexpected(_options.Endpoint, exception);

    public void LogGoAway(Http2ErrorCode code) => _logger.GoAwayReceived(_options.Endpoint, code);

    private void Dispatch(Http2Call call)
    {
        foreach (var connection in _connections)
        {
            if (connection.HasSlot)
            {
                if (!IsTooLargeFor(connection, call))
                {
                    connection.Add(call);
                }

                return;
            }
        }

        _waiting.Append(call);
        MakeRoom();
    }

    private bool IsTooLargeFor(Http2Connection connection, Http2Call call)
    {
        if (call.Headers.ListSize <= connection.HeaderListSizeMax)
        {
            return false;
        }

        call.Settle(Failures.RequestHeadersTooLarge(call.Headers.ListSize, connection.HeaderListSizeMax));
        return true;
    }

    private async Task ConnectAsync()
    {
        Http2Connection? connection = null;
        string? cause;
        try
        {
            (connection, cause) = await TryConnectAsync();
        }
        catch (Exception exception)
        {
            // The edge of a background task: calls are waiting for it, and must learn of whatever went wrong.
            _logger.Unexpected(_options.Endpoint, exception);
            cause = exception.Message;
        }

        lock (_gate)
        {
            _isConnecting = false;
            if (cause is null && !_isDisposed && connection!.TryOpen())
            {
                _connections.Add(connection);
                _logger.Connected(_options.Endpoint, _connections.Count);
                GiveSlots(connection);
                MakeRoom();
                return;
            }

            cause = _isDisposed ? ClosedCause : cause ?? "the connection ended at once";
            _logger.ConnectFailed(_options.Endpoint, cause);
            connection?.Close(Http2ErrorCode.None, cause);

            // Calls may wait for another connection's streams; only without one they have nothing to wait for.
            if (!_connections.Exists(other => other.TakesCalls))
            {
                FailWaiting(cause);
            }
        }

        if (connection is not null)
        {
            await connection.Ended;
        }
    }

    private async Task<(Http2Connection? Connection, string? Cause)> TryConnectAsync()
    {
        using var deadline = new CancellationTokenSource(_options.ConnectTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_lifetime.Token, deadline.Token);
        var (channel, cause) = await _connector.ConnectAsync(both.Token);
        if (channel is null)
        {
            return (null, cause);
        }

        var connection = new Http2Connection(this, _options, channel, _gate, _time, _firstStreamId);
        try
        {
            return (connection, await connection.StartAsync().WaitAsync(both.Token));
        }
        catch (OperationCanceledException)
        {
            return (connection, $"no HTTP/2 SETTINGS from the upstream within {_options.ConnectTimeout.TotalSeconds} s");
        }
    }

    private void FailWaiting(string cause)
    {
        while (_waiting.First is { } call)
        {
            _waiting.Remove(call);
            call.Settle(Failures.ConnectFailed(cause));
        }
    }
}
