using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>
/// One agent's request on its way upstream; its task is what the agent waits for. The two end apart: the agent may
/// leave while the bytes are still on the wire, and the bytes go back only when nobody reads them any more.
/// </summary>
/// <remarks>
/// Continuations run where the reply is set: where the call's own ended when the request was alone, which is a thread of
/// the pool that has nothing else to do (never the loop that reads the connection); as a work item of the pool, by
/// <see cref="Execute"/>, when others wait for the same thread.
/// </remarks>
internal sealed class ForwardRequest : TaskCompletionSource<ExportReply>, IThreadPoolWorkItem
{
    private readonly Forwarder _forwarder;
    private CancellationTokenRegistration _leaving;
    private ExportReply? _reply;
    private volatile bool _hasLeft;

    public ForwardRequest(Forwarder forwarder, Signal signal, Payload payload, RequestMetadata metadata, bool isLastWord)
    {
        _forwarder = forwarder;
        Signal = signal;
        Payload = payload;
        Metadata = metadata;
        Items = payload.ItemCount;
        IsLastWord = isLastWord;
    }

    public Signal Signal { get; }

    /// <summary>Not to be read after <see cref="EndBytes"/>.</summary>
    public Payload Payload { get; }

    public RequestMetadata Metadata { get; }

    /// <summary>Spans, log records or data points; kept, because the answer comes after the bytes are given back.</summary>
    public int Items { get; }

    /// <summary>Nobody in front sends it again when it fails.</summary>
    public bool IsLastWord { get; }

    /// <summary>The agent does not wait any more. Set before the queue is asked to let the request go.</summary>
    public bool HasLeft => _hasLeft;

    // Links in the queue of its metadata group; under the group commit's lock.
    internal MetadataGroup? Group { get; set; }

    internal ForwardRequest? Previous { get; set; }

    internal ForwardRequest? Next { get; set; }

    /// <summary>Lets the agent leave when <paramref name="cancellation"/> fires. Before the request goes anywhere.</summary>
    public void Watch(CancellationToken cancellation)
    {
        if (cancellation.CanBeCanceled)
        {
            _leaving = cancellation.UnsafeRegister(static (state, token) => ((ForwardRequest)state!).Leave(token), this);
        }
    }

    /// <summary>Gives the agent its answer, here and now; nothing when it has left.</summary>
    public void Reply(ExportReply reply)
    {
        // Does not wait for a leaving that is under way: one of the two sets the result, the other finds it set.
        _leaving.Unregister();
        _forwarder.Answered(this, reply);
        if (TrySetResult(reply))
        {
            _forwarder.Replied(reply);
        }
    }

    /// <summary>The same on a thread of the pool, for a request among many.</summary>
    public void ReplyOnPool(ExportReply reply)
    {
        _reply = reply;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public void Execute() => Reply(_reply!);

    /// <summary>Nothing reads the payload any more: credit and reference go back. Exactly once.</summary>
    public void EndBytes()
    {
        Payload.ReturnCredit();
        Payload.Release();
        _forwarder.Outstanding.Exit(Signal);
    }

    private void Leave(CancellationToken cancellation)
    {
        _hasLeft = true;
        _forwarder.Unqueue(this);
        TrySetCanceled(cancellation);
    }
}
