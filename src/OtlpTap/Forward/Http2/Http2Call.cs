using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// One call on its way: what is sent, how far, and what came back. Pooled; the task of the caller is the object itself.
/// <para>
/// <b>Who may read the body, and until when.</b> The caller owns the payloads and may give them back once its task has
/// completed. So the task completes only when two things are true: the call is <i>settled</i> (it has its answer, or was
/// cancelled, or its connection is lost) and nothing <i>holds</i> it. A send that references body bytes holds the call
/// from the moment the batch is filled until the send has ended, well or badly; what a batch has copied is not held.
/// A settled call is in no queue and no stream table, so no later batch can reach its body. A send that does not
/// end (the peer has stopped reading) keeps its calls waiting; the keepalive ping then ends the connection, and with it the send.
/// </para>
/// </summary>
internal sealed class Http2Call(Http2Transport transport, int responseBytesMax) : IValueTaskSource<UpstreamAnswer>
{
    // Guarded by the transport's gate.
    private readonly byte[] _prefix = new byte[Buffers.Payload.FrameHeaderLength];
    private UpstreamBody _body;
    private int _piece;
    private int _pieceOffset;
    private int _holds;
    private bool _isSettled;
    private UpstreamAnswer _answer;
    private Exception? _cancelled;

    // The task: completed under the gate, consumed once by the caller.
    private ManualResetValueTaskSourceCore<UpstreamAnswer> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;

    public ReplyAssembler Reply { get; } = new(responseBytesMax);

    public RequestHeaderBlock Headers { get; private set; } = null!;

    /// <summary>Body bytes that are in no batch yet.</summary>
    public int Unsent { get; private set; }

    /// <summary>How often the call was given to a connection.</summary>
    public int Attempts { get; set; }

    public bool IsSettled => _isSettled;

    public Http2Connection? Connection { get; set; }

    /// <summary>0 until HEADERS are in a batch.</summary>
    public int StreamId { get; set; }

    public FlowWindow SendWindow;

    public FlowWindow ReceiveWindow;

    /// <summary>Padding received that the stream's window has not got back yet.</summary>
    public int PaddingCredit { get; set; }

    /// <summary>The links of <see cref="CallQueue"/>, which alone sets them.</summary>
    public CallQueue? Queue { get; set; }

    public Http2Call? Previous { get; set; }

    public Http2Call? Next { get; set; }

    public ValueTask<UpstreamAnswer> Answer => new(this, _source.Version);

    public void Begin(RequestHeaderBlock headers, UpstreamBody body)
    {
        Headers = headers;
        _body = body;
        body.WriteFrameHeader(_prefix);
        Attempts = 0;
        Rewind();
    }

    /// <summary>Back to the first byte, for another connection. Sends that still run on the old one keep their holds.</summary>
    public void Rewind()
    {
        _piece = 0;
        _pieceOffset = 0;
        Unsent = _body.WireLength;
        StreamId = 0;
        PaddingCredit = 0;
        Reply.Reset();
    }

    public void Watch(CancellationToken cancellation)
    {
        if (cancellation.CanBeCanceled)
        {
            _registration = cancellation.UnsafeRegister(
                static (state, token) => ((Http2Call)state!).Cancel(token),
                this);
        }
    }

    /// <summary>Adds the next <paramref name="count"/> bytes of the body to the batch; at most <see cref="Unsent"/>.</summary>
    public void TakeBody(SendBatch batch, int count)
    {
        Unsent -= count;
        while (count > 0)
        {
            var piece = PieceAt(_piece);
            var length = Math.Min(count, piece.Count - _pieceOffset);
            batch.AddBody(this, piece.Slice(_pieceOffset, length));
            count -= length;
            _pieceOffset += length;
            if (_pieceOffset == piece.Count)
            {
                _piece++;
                _pieceOffset = 0;
            }
        }
    }

    public void Hold() => _holds++;

    public void LetGo()
    {
        _holds--;
        Debug.Assert(_holds >= 0, "A call was let go more often than held.");
        CompleteWhenFree();
    }

    public void Settle(UpstreamAnswer answer)
    {
        _answer = answer;
        MarkSettled();
    }

    public void SettleCancelled(CancellationToken token)
    {
        _cancelled = new OperationCanceledException(token);
        MarkSettled();
    }

    ValueTaskSourceStatus IValueTaskSource<UpstreamAnswer>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<UpstreamAnswer>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    UpstreamAnswer IValueTaskSource<UpstreamAnswer>.GetResult(short token)
    {
        // Throws for a second consumer, before anything is given back.
        if (_source.GetStatus(token) == ValueTaskSourceStatus.Pending)
        {
            throw new InvalidOperationException("The call has not ended.");
        }

        // Waits for a cancellation that is just running: it must not meet the call's next life.
        _registration.Dispose();
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            Recycle();
        }
    }

    private void Recycle()
    {
        _registration = default;
        _source.Reset();
        _body = default;
        _answer = default;
        _cancelled = null;
        _isSettled = false;
        Reply.Reset();
        transport.Return(this);
    }

    private void Cancel(CancellationToken token) => transport.Cancel(this, token);

    private void MarkSettled()
    {
        Debug.Assert(!_isSettled && Queue is null && Connection is null, "A call is settled once, when nothing can send for it any more.");
        _isSettled = true;
        CompleteWhenFree();
    }

    private void CompleteWhenFree()
    {
        if (!_isSettled || _holds != 0)
        {
            return;
        }

        if (_cancelled is null)
        {
            _source.SetResult(_answer);
        }
        else
        {
            _source.SetException(_cancelled);
        }
    }

    // One payload carries the gRPC prefix in front of its message; several follow a prefix of the call's own.
    private ArraySegment<byte> PieceAt(int index) =>
        _body.Count == 1 ? _body[0].FrameSegment
        : index == 0 ? _prefix
        : _body[index - 1].MessageSegment;
}
