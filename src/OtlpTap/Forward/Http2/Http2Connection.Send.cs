using System.Runtime.CompilerServices;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// What the connection sends. Control frames go first, then the ready calls take turns: HEADERS (and CONTINUATION, where
/// the block is longer than a frame), then DATA within the windows, up to <see cref="TurnBytes"/> a turn.
/// <code>
///   ready:    has HEADERS or DATA to send, and room in its own window     (the connection's window may be used up)
///   parked:   in the stream table alone; its window is used up, WINDOW_UPDATE or SETTINGS makes it ready again
/// </code>
/// </summary>
internal sealed partial class Http2Connection
{
    private const int TurnBytes = 64 << 10;

    private readonly Action _sendEnded;

    // Of the writer.
    private readonly SendBatch _batch = new();
    private ValueTaskAwaiter _send;

    // Guarded by the gate.
    private FlowWindow _sendWindow = new(FlowWindow.Initial);
    private int _nextStreamId;
    private bool _areHeadersSent;

    private bool HasOutput => _control.Length > 0 || (_state != State.Closed && _ready.First is not null && _sendWindow.Size > 0);

    /// <summary>
    /// Has a thread of the pool write what there is to send. Sending on the caller's own thread was measured: no
    /// quicker for one call at a time, and 1.3 to 2 times the CPU for many small ones, because behind the queue of the
    /// pool the calls gather that then share a send.
    /// </summary>
    public void RequestFlush()
    {
        if (!_isWriting && !_isChannelDisposed && HasOutput)
        {
            _isWriting = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    void IThreadPoolWorkItem.Execute() => Flush();

    /// <summary>For the writer, without the gate: sends until nothing is left or the socket is full. Holds no thread meanwhile.</summary>
    private void Flush()
    {
        while (true)
        {
            lock (_gate)
            {
                if (!HasOutput)
                {
                    StopWriting();
                    return;
                }

                if (!TryFillBatch())
                {
                    continue;
                }
            }

            _send = StartSend();
            if (!_send.IsCompleted)
            {
                _send.UnsafeOnCompleted(_sendEnded);
                return;
            }

            EndSend();
        }
    }

#pragma warning disable CA2012 // The awaiter is kept over a callback instead of an await, and consumed once, in EndSend.
    private ValueTaskAwaiter StartSend()
    {
        try
        {
            return _channel.WriteAsync(_batch.Written).GetAwaiter();
        }
        catch (Exception exception) // a channel that was disposed of a moment ago throws here and not in the task: on this thread, of the pool, it would end the process
        {
            return ValueTask.FromException(exception).GetAwaiter();
        }
    }
#pragma warning restore CA2012

    private void OnSendEnded()
    {
        EndSend();
        Flush();
    }

    private void EndSend()
    {
        string? failure = null;
        try
        {
            _send.GetResult();
        }
        catch (Exception exception) when (IsFailure(exception))
        {
            failure = exception.Message;
        }
        catch (Exception exception)
        {
            _transport.LogUnexpected(exception);
            failure = exception.Message;
        }

        if (failure is not null)
        {
            lock (_gate)
            {
                Close(Http2ErrorCode.None, failure);
                _control.Clear();
            }
        }
    }

    private void StopWriting()
    {
        _isWriting = false;
        if (_state == State.Closed)
        {
            DisposeChannel();
        }
    }

    /// <summary>False when nothing came together (the ids are used up, and the calls went elsewhere).</summary>
    private bool TryFillBatch()
    {
        _batch.Clear();
        _control.MoveTo(_batch);
        var controlLength = _batch.Length;
        while (_state != State.Closed && _sendWindow.Size > 0 && _ready.First is { } call)
        {
            if (call.StreamId == 0 && _streams.Count >= _peer.MaxConcurrentStreams)
            {
                // The peer has lowered its limit since the call came here.
                _ready.Remove(call);
                Redispatch(call);
                continue;
            }

            if (call.StreamId == 0 && !TryOpenStream(call))
            {
                break;
            }

            AddData(call);
            if (_batch.Room <= FrameHeader.Size)
            {
                break;
            }

            // The next one's turn; this one stands at the end, or is parked or done.
            _ready.Remove(call);
            if (call.Unsent > 0 && call.SendWindow.Size > 0)
            {
                _ready.Append(call);
            }
        }

        if (_batch.Length > controlLength)
        {
            _flood.Excuse();
        }

        return _batch.Length > 0;
    }

    private bool TryOpenStream(Http2Call call)
    {
        if (_nextStreamId < 0)
        {
            Drain();
            return false;
        }

        var block = call.Headers.Bytes;
        var frames = (block.Length / FrameHeader.PayloadLengthMax) + 1;
        if (_batch.Room < block.Length + 1 + (frames * FrameHeader.Size))
        {
            return false;
        }

        call.StreamId = _nextStreamId;
        call.SendWindow = new FlowWindow(_peer.InitialWindowSize);
        call.ReceiveWindow = new FlowWindow(_streamWindow);
        _streams.Add(_nextStreamId, call);
        _nextStreamId = unchecked(_nextStreamId + 2);
        AddHeaders(call.StreamId, block);
        if (_unansweredSince == 0)
        {
            _unansweredSince = _time.GetTimestamp();
        }

        return true;
    }

    // One frame or, for a long block, HEADERS and CONTINUATION directly behind each other.
    private void AddHeaders(int streamId, ReadOnlySpan<byte> block)
    {
        var type = FrameType.Headers;
        do
        {
            var prefix = _areHeadersSent ? 0 : 1;
            var length = Math.Min(block.Length, FrameHeader.PayloadLengthMax - prefix);
            var flags = length == block.Length ? FrameFlags.EndHeaders : FrameFlags.None;
            _batch.Add(new FrameHeader(prefix + length, type, flags, streamId));
            if (prefix != 0)
            {
                _areHeadersSent = true;
                _batch.Copy([HpackEncoder.NoTable]);
            }

            _batch.Copy(block[..length]);
            block = block[length..];
            type = FrameType.Continuation;
        }
        while (!block.IsEmpty);
    }

    private void AddData(Http2Call call)
    {
        for (var turn = TurnBytes; turn > 0 && call.Unsent > 0;)
        {
            var length = Math.Min(Math.Min(call.Unsent, _peer.MaxFrameSize), Math.Min(_sendWindow.Size, call.SendWindow.Size));
            length = Math.Min(length, Math.Min(turn, _batch.Room - FrameHeader.Size));
            if (length <= 0)
            {
                return;
            }

            var flags = length == call.Unsent ? FrameFlags.EndStream : FrameFlags.None;
            _batch.Add(new FrameHeader(length, FrameType.Data, flags, call.StreamId));
            call.TakeBody(_batch, length);
            _sendWindow.Take(length);
            call.SendWindow.Take(length);
            turn -= length;
        }
    }
}
