using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// One call on its way: what is sent, how far, and what came back. Pooled; the task of the caller is the object itself.
/// <para>
/// <b>Who reads the body, and until when.</b> The caller owns the payloads and may give them back once its task has
/// completed. The body is read in one place, <see cref="TakeBody"/>, with the gate held, and copied there; a send never
/// sees it. The task completes in one place, <see cref="Settle"/> and <see cref="SettleCancelled"/>, with the gate held,
/// after the call was taken off every queue and stream table, so that no later batch can find it. Hence nothing reads
/// the body when the task has completed, and a cancelled call never waits for a send that does not end.
/// </para>
/// </summary>
internal sealed class Http2Call(Http2Transport transport, int responseBytesMax) : IValueTaskSource<UpstreamAnswer>
{
    // Guarded by the transport's gate.
    private readonly byte[] _prefix = new byte[Buffers.Payload.FrameHeaderLength];
    private UpstreamBody _body;
    private int _piece;
    private int _pieceOffset;

    // The task: completed under the gate, consumed once by the caller. Its continuation runs on the pool: on the thread
    // that completes it, it would hold the gate and the loop that reads for all calls of the connection.
    private ManualResetValueTaskSourceCore<UpstreamAnswer> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;

    public ReplyAssembler Reply { get; } = new(responseBytesMax);

    public RequestHeaderBlock Headers { get; private set; } = null!;

    /// <summary>Body bytes that are in no batch yet.</summary>
    public int Unsent { get; private set; }

    /// <summary>How often the call was given to a connection.</summary>
    public int Attempts { get; set; }

    public bool IsSettled { get; private set; }

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

    /// <summary>Back to the first byte, for another connection.</summary>
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
            var length = Math.Min(count, piece.Length - _pieceOffset);
            batch.Copy(piece.Slice(_pieceOffset, length));
            count -= length;
            _pieceOffset += length;
            if (_pieceOffset == piece.Length)
            {
                _piece++;
                _pieceOffset = 0;
            }
        }
    }

    public void Settle(UpstreamAnswer answer)
    {
        MarkSettled();
        _source.SetResult(answer);
    }

    public void SettleCancelled(CancellationToken token)
    {
        MarkSettled();
        _source.SetException(new OperationCanceledException(token));
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
        IsSettled = false;
        Reply.Reset();
        transport.Return(this);
    }

    private void Cancel(CancellationToken token) => transport.Cancel(this, token);

    private void MarkSettled()
    {
        Debug.Assert(!IsSettled && Queue is null && Connection is null, "A call is settled once, when nothing can send for it any more.");
        IsSettled = true;
    }

    // One payload carries the gRPC prefix in front of its message; several, or a compressed one, follow a prefix of the call's own.
    private ReadOnlySpan<byte> PieceAt(int index) =>
        _body.IsFrame ? _body[0].Frame.Span
        : index == 0 ? _prefix
        : _body[index - 1].Span;
}
