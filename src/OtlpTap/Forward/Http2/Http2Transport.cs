using System.Net.Security;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// gRPC calls to one upstream over HTTP/2 connections of its own. Normally one connection; a further one when the peer's
/// streams are used up, to at most <see cref="ConnectionsMax"/>; then calls wait, first in, first out. Calls go to the
/// first connection with room, so that further ones fall idle when they are not needed, and close.
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

    /// <summary>Beyond this, pings tell nothing in time; also what gRPC servers themselves wait before they ask a silent client.</summary>
    public static readonly TimeSpan PingDelayMax = TimeSpan.FromHours(2);

    // After a further connection failed: a peer that limits connections must not be asked once for every call that waits.
    private static readonly TimeSpan FurtherConnectionPause = TimeSpan.FromSeconds(1);

    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http2];

    private const int FreeCallsMax = 1024;
    private const string ClosedCause = "the transport was closed";

    private readonly UpstreamOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly UpstreamConnector _connector;
    private readonly RequestHeaderBlocks _headers;
    private readonly IConnectionWatcher? _watcher;
    private readonly int _firstStreamId;
    private readonly CancellationTokenSource _lifetime = new();
    private readonly Lock _gate = new();

    // Guarded by the gate.
    private readonly List<Http2Connection> _connections = [];
    private readonly CallQueue _waiting = new();
    private readonly Stack<Http2Call> _free = [];
    private Task _connecting = Task.CompletedTask;
    private TaskCompletionSource<UpstreamAnswer?>? _probe;
    private TimeSpan _pingDelay;
    private long _connectFailedAt;
    private bool _isConnecting;
    private bool _isDisposed;

    public Http2Transport(UpstreamOptions options, TimeProvider time, ILogger<Http2Transport> logger)
        : this(options, time, logger, firstStreamId: 1)
    {
    }

    /// <summary>For one address of several, which have in common what is trusted and what is sent.</summary>
    internal Http2Transport(UpstreamOptions options, TimeProvider time, ILogger<Http2Transport> logger, ClientTls tls, RequestHeaderBlocks headers, IConnectionWatcher watcher)
        : this(options, time, logger, firstStreamId: 1, tls, headers, watcher)
    {
    }

    /// <param name="options">Where and how.</param>
    /// <param name="time">For connecting and keepalive.</param>
    /// <param name="logger">Connections come and go.</param>
    /// <param name="firstStreamId">The id of a connection's first stream; 2^31-1 leaves room for that one.</param>
    internal Http2Transport(UpstreamOptions options, TimeProvider time, ILogger<Http2Transport> logger, int firstStreamId)
        : this(options, time, logger, firstStreamId, new ClientTls(options, time, logger), new RequestHeaderBlocks(options, ClientCredential.Create(options.Auth, time, logger)), watcher: null)
    {
    }

    private Http2Transport(UpstreamOptions options, TimeProvider time, ILogger<Http2Transport> logger, int firstStreamId, ClientTls tls, RequestHeaderBlocks headers, IConnectionWatcher? watcher)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _firstStreamId = firstStreamId;
        _pingDelay = options.KeepalivePingDelay;
        _connector = new UpstreamConnector(options, tls, time);
        _headers = headers;
        _watcher = watcher;
        Failures = new Http2Failures(options.Endpoint);
    }

    public Http2Failures Failures { get; }

    /// <summary>An attempt to connect is under way.</summary>
    internal bool IsConnecting
    {
        get
        {
            lock (_gate)
            {
                return _isConnecting;
            }
        }
    }

    /// <summary>No call waits or is in flight.</summary>
    internal bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return _waiting.First is null && _connections.TrueForAll(connection => !connection.HasCalls);
            }
        }
    }

    // With the gate held.
    private bool TakesCalls => _connections.Exists(connection => connection.TakesCalls);

    public ValueTask<UpstreamAnswer> CallAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<UpstreamAnswer>(cancellation);
        }

        return _headers.For(signal, metadata) is { } headers ? CallAsync(headers, body, cancellation) : new(Failures.ConnectFailed(RequestHeaderBlocks.NoCredential));
    }

    /// <summary>
    /// A connection whose peer has sent its SETTINGS counts until it is found dead: by a ping while answers are owed, by
    /// the kernel's keepalive while it is idle.
    /// </summary>
    public ValueTask<UpstreamAnswer?> ProbeAsync(CancellationToken cancellation)
    {
        Task<UpstreamAnswer?> connected;
        lock (_gate)
        {
            if (_isDisposed)
            {
                return new(Failures.ConnectFailed(ClosedCause));
            }

            if (TakesCalls)
            {
                return default;
            }

            _probe ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            connected = _probe.Task;
            MakeRoom();
        }

        return new(connected.WaitAsync(cancellation));
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

    /// <summary>Opens a connection when somebody waits for it and one more is allowed.</summary>
    public void MakeRoom()
    {
        if ((_waiting.First is null && _probe is null) || _isConnecting || _isDisposed)
        {
            return;
        }

        var usable = _connections.Count(connection => connection.TakesCalls);
        if (usable >= ConnectionsMax || (usable > 0 && HasJustFailedToConnect))
        {
            return;
        }

        _isConnecting = true;
        _connecting = Task.Run(ConnectAsync);
    }

    /// <summary>Whether a connection that gets calls before this one would take them all, now that this one has none.</summary>
    public bool IsSurplus(Http2Connection connection) =>
        _connections.TakeWhile(other => other != connection).Any(other => other.TakesCalls);

    /// <summary>
    /// The upstream found the keepalive's pings too many: later connections wait twice as long as the one that was told so
    /// (gRPC A8, client-side keepalive).
    /// </summary>
    public void PingLess(TimeSpan pingDelay)
    {
        var doubled = 2 * pingDelay < PingDelayMax ? 2 * pingDelay : PingDelayMax;
        if (doubled > _pingDelay)
        {
            _pingDelay = doubled;
            _logger.PingsTooMany(_options.Endpoint, doubled);
        }
    }

    public void Remove(Http2Connection connection)
    {
        if (_connections.Remove(connection) && !_isDisposed)
        {
            MakeRoom();
            if (!TakesCalls)
            {
                _watcher?.Disconnected("the connection ended");
            }
        }
    }

    public void LogEnded(string cause, int callsLost) =>
        _logger.ConnectionEnded(callsLost == 0 ? LogLevel.Information : LogLevel.Warning, _options.Endpoint, cause, callsLost);

    public void LogUnexpected(Exception exception) => _logger.Unexpected(_options.Endpoint, exception);

    public void LogGoAway(Http2ErrorCode code) => _logger.GoAwayReceived(_options.Endpoint, code);

    private bool HasJustFailedToConnect =>
        _connectFailedAt != 0 && _time.GetElapsedTime(_connectFailedAt) < FurtherConnectionPause;

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
                _connectFailedAt = 0;
                _logger.Connected(_options.Endpoint, _connections.Count);
                _watcher?.Connected();
                EndProbe(null);
                GiveSlots(connection);
                MakeRoom();
                return;
            }

            cause = _isDisposed ? ClosedCause : cause ?? "the connection ended at once";
            // One line for each outage: what is tried again and again in the background is nothing new.
            _logger.ConnectFailed(_connectFailedAt == 0 ? LogLevel.Warning : LogLevel.Debug, _options.Endpoint, cause);
            connection?.Close(Http2ErrorCode.None, cause);
            _connectFailedAt = _time.GetTimestamp();

            // Calls may wait for another connection's streams; only without one they have nothing to wait for.
            if (!TakesCalls)
            {
                if (!_isDisposed)
                {
                    _watcher?.Disconnected(cause);
                }

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
        var (channel, cause) = await _connector.ConnectAsync(_options.Endpoint, Protocols, both.Token);
        if (channel is null)
        {
            return (null, cause);
        }

        TimeSpan pingDelay;
        lock (_gate)
        {
            pingDelay = _pingDelay;
        }

        var connection = new Http2Connection(this, _options, channel, _gate, _time, _firstStreamId, pingDelay);
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

        EndProbe(Failures.ConnectFailed(cause));
    }

    private void EndProbe(UpstreamAnswer? failure)
    {
        _probe?.SetResult(failure);
        _probe = null;
    }
}
