using System.Diagnostics;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// One HTTP/2 connection, client side (RFC 9113): this file has its life, the others what it receives and sends.
/// <code>
///   Starting --SETTINGS of the peer--> Open --GOAWAY, ids used up--> Draining --last call ended--> Closed
///       '------------------- failure, violation, end of file, dispose -------------------------------^
/// </code>
/// One gate, the transport's, guards the calls and all state of all its connections: sections are short (one frame in,
/// one batch planned), nothing waits inside, and a call can move from a connection to another in one step. Outside of
/// it stand the socket operations: one read loop, and at most one writer, which is whoever set <see cref="_isWriting"/>.
/// </summary>
internal sealed partial class Http2Connection : IThreadPoolWorkItem
{
    /// <summary>
    /// Streams at the same time, whatever the peer allows: bounds the state a connection needs. Joined requests need a
    /// handful, large ones are bounded by the bytes in flight long before.
    /// </summary>
    public const int StreamsMax = 1024;

    /// <summary>A header block, before and after decoding (SETTINGS_MAX_HEADER_LIST_SIZE). gRPC servers send some 8 KiB at most.</summary>
    public const int HeaderBytesMax = 64 << 10;

    /// <summary>
    /// What answers may hold in memory until their calls end; also the connection's receive window. Replies have some
    /// tens of bytes, so this is reached by a hostile peer only. Twice the largest answer where that is more.
    /// </summary>
    public const int ReplyBytesMax = 16 << 20;

    /// <summary>How long a connection is kept that has no calls while another one could take them.</summary>
    public static readonly TimeSpan SurplusIdleMax = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan FarewellTimeout = TimeSpan.FromSeconds(1);

    private readonly Http2Transport _transport;
    private readonly UpstreamOptions _options;
    private readonly Lock _gate;
    private readonly Stream _channel;
    private readonly TimeProvider _time;
    private readonly TimeSpan _pingDelay;
    private readonly TaskCompletionSource<string?> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Guarded by the gate. _calls counts those in _streams and those in _ready that have no stream yet;
    // the time of the last byte received, or of the first request since, is 0 while no answer is owed; the time since
    // which there were no calls is looked at now and then only, and is 0 while there are.
    private readonly Dictionary<int, Http2Call> _streams = [];
    private readonly CallQueue _ready = new();
    private readonly ControlFrames _control = new();
    private readonly PeerSettings _peer = new();
    private State _state;
    private int _calls;
    private long _unansweredSince;
    private long _pingSentAt;
    private long _idleSince;
    private bool _isPingOut;
    private ITimer? _keepalive;
    private bool _isWriting;
    private bool _isChannelDisposed;

    private enum State : byte
    {
        Starting,
        Open,
        Draining,
        Closed,
    }

    public Http2Connection(Http2Transport transport, UpstreamOptions options, Stream channel, Lock gate, TimeProvider time, int firstStreamId, TimeSpan pingDelay)
    {
        Debug.Assert((firstStreamId & 1) == 1, "Streams of a client have odd ids.");
        _transport = transport;
        _options = options;
        _channel = channel;
        _gate = gate;
        _time = time;
        _nextStreamId = firstStreamId;
        _pingDelay = pingDelay;
        _flood = new FloodGuard(time);
        _headers = new HpackDecoder(HeaderBytesMax);
        _streamWindow = Math.Max(FlowWindow.Initial, options.ResponseBytesMax + Buffers.Payload.FrameHeaderLength);
        _replyBytesMax = (int)Math.Clamp(2L * _streamWindow, ReplyBytesMax, FlowWindow.Max);
        _receiveWindow = new FlowWindow(_replyBytesMax);
        _sendEnded = OnSendEnded;
    }

    /// <summary>Open, and below the number of streams that both sides allow. With the gate held, as all of the following.</summary>
    public bool HasSlot => _state == State.Open && _calls < StreamsMax && _calls < _peer.MaxConcurrentStreams;

    /// <summary>New calls may come to it, now or when others have ended.</summary>
    public bool TakesCalls => _state == State.Open;

    public bool HasCalls => _calls > 0;

    public uint HeaderListSizeMax => _peer.MaxHeaderListSize;

    /// <summary>Completes when nothing is read any more; the socket is closed then, or about to be.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>
    /// Sends the preface and starts to read; the result is null when the peer's SETTINGS have come, else why they never will.
    /// Waiting for them costs a round trip per connection, not per call; in return no call leaves before the limits of
    /// the peer are known, and no request is spent on a peer that speaks another protocol.
    /// </summary>
    public Task<string?> StartAsync()
    {
        lock (_gate)
        {
            _control.AddPreface(_streamWindow, _replyBytesMax);
            RequestFlush();
            Ended = ReadAsync();
        }

        return _started.Task;
    }

    /// <summary>From here on calls may come. False when the connection has ended in the meantime.</summary>
    public bool TryOpen()
    {
        if (_state != State.Starting)
        {
            return false;
        }

        _state = State.Open;
        var period = (_pingDelay < _options.KeepalivePingTimeout ? _pingDelay : _options.KeepalivePingTimeout) / 2;
        _keepalive = _time.CreateTimer(static connection => ((Http2Connection)connection!).LookAfter(), this, period, period);
        return true;
    }

    public void Add(Http2Call call)
    {
        Debug.Assert(HasSlot, "The transport asks first.");
        _calls++;
        _idleSince = 0;
        call.Attempts++;
        call.Connection = this;
        _ready.Append(call);
        RequestFlush();
    }

    /// <summary>The caller no longer wants the answer. The call is the transport's again.</summary>
    public void Abort(Http2Call call)
    {
        if (call.StreamId != 0)
        {
            _control.AddReset(call.StreamId, Http2ErrorCode.Cancel);
        }

        Detach(call);
        RequestFlush();
    }

    /// <summary>Ends the connection; calls that may have reached the peer fail, the others go to another connection.</summary>
    /// <param name="code">What the peer is told in GOAWAY.</param>
    public void Close(Http2ErrorCode code, string cause)
    {
        if (_state == State.Closed)
        {
            return;
        }

        var wasOpen = _state != State.Starting;
        _state = State.Closed;
        if (wasOpen)
        {
            _transport.LogEnded(cause, _streams.Count);
        }

        _transport.Remove(this);
        foreach (var call in _streams.Values)
        {
            if (call.Queue is not null)
            {
                _ready.Remove(call);
            }

            call.Connection = null;
            call.Settle(_transport.Failures.ConnectionLost(cause));
        }

        _streams.Clear();
        RedispatchUnsent();
        _started.TrySetResult(cause);

        _control.Clear();
        if (!wasOpen)
        {
            DisposeChannel();
            return;
        }

        // A send that waits for the peer is in the way of the farewell only so long.
        _control.AddGoAway(code);
        _keepalive?.Change(FarewellTimeout, Timeout.InfiniteTimeSpan);
        RequestFlush();
    }

    private void Drain()
    {
        if (_state == State.Open)
        {
            _state = State.Draining;
        }

        RedispatchUnsent();
        CloseWhenDrained();
        _transport.MakeRoom();
    }

    private void CloseWhenDrained()
    {
        if (_state == State.Draining && _calls == 0)
        {
            Close(Http2ErrorCode.None, "the connection was drained");
        }
    }

    /// <summary>Calls of which no frame has left: on another connection they are as good as new.</summary>
    private void RedispatchUnsent()
    {
        for (var call = _ready.First; call is not null;)
        {
            var next = call.Next;
            if (call.StreamId == 0)
            {
                _ready.Remove(call);
                Redispatch(call);
            }

            call = next;
        }
    }

    private void Redispatch(Http2Call call)
    {
        _calls--;
        call.Connection = null;
        _transport.Redispatch(call);
    }

    /// <summary>Takes a call off the connection, wherever it stands, and its slot to the next one.</summary>
    private void Detach(Http2Call call)
    {
        if (call.Queue is not null)
        {
            _ready.Remove(call);
        }

        if (call.StreamId != 0)
        {
            _streams.Remove(call.StreamId);
        }

        ReturnCredit(call.Reply.KeptBytes);
        _calls--;
        call.Connection = null;
        CloseWhenDrained();
        if (_state == State.Open)
        {
            _transport.GiveSlots(this);
        }
    }

    /// <summary>Every few seconds.</summary>
    private void LookAfter()
    {
        lock (_gate)
        {
            if (_state == State.Closed)
            {
                DisposeChannel();
                return;
            }

            var now = _time.GetTimestamp();
            CheckLife(now);
            CheckUse(now);
        }
    }

    /// <summary>
    /// The keepalive (RFC 9113 section 6.7 leaves its use open): a peer from which nothing comes while it owes an answer is asked,
    /// and given up when nothing comes then either. A cancelled call leaves its question open, or a peer that has vanished
    /// would never be noticed under calls with short timeouts. Never on an idle connection; the kernel's own keepalive watches that.
    /// </summary>
    private void CheckLife(long now)
    {
        if (_isPingOut)
        {
            if (_time.GetElapsedTime(_pingSentAt, now) >= _options.KeepalivePingTimeout)
            {
                Close(Http2ErrorCode.None, $"no answer to a ping within {_options.KeepalivePingTimeout.TotalSeconds} s");
            }
        }
        else if (_unansweredSince != 0 && _time.GetElapsedTime(_unansweredSince, now) >= _pingDelay)
        {
            _isPingOut = true;
            _pingSentAt = now;
            _control.AddPing((ulong)now, isAck: false);
            RequestFlush();
        }
    }

    /// <summary>A connection that a busy time has left behind ends; the only one stays, however idle.</summary>
    private void CheckUse(long now)
    {
        if (_state != State.Open || _calls > 0)
        {
            return;
        }

        if (_idleSince == 0)
        {
            _idleSince = now;
        }
        else if (_time.GetElapsedTime(_idleSince, now) >= SurplusIdleMax && _transport.IsSurplus(this))
        {
            Close(Http2ErrorCode.None, "not needed any more");
        }
    }

    private void DisposeChannel()
    {
        if (!_isChannelDisposed)
        {
            // On another stack: it ends pending operations, whose continuations take the gate.
            _isChannelDisposed = true;
            _keepalive?.Dispose();
            ThreadPool.UnsafeQueueUserWorkItem(static channel => channel.Dispose(), _channel, preferLocal: false);
        }
    }
}
