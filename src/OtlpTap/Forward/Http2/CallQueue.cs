using System.Diagnostics;

namespace OtlpTap.Forward.Http2;

/// <summary>First in, first out, with removal from the middle (cancellation) in constant time. A call stands in at most one queue. Guarded by the transport's gate.</summary>
internal sealed class CallQueue
{
    private Http2Call? _last;

    public Http2Call? First { get; private set; }

    public void Append(Http2Call call)
    {
        Debug.Assert(call.Queue is null, "A call stands in one queue.");
        call.Queue = this;
        call.Previous = _last;
        call.Next = null;
        if (_last is null)
        {
            First = call;
        }
        else
        {
            _last.Next = call;
        }

        _last = call;
    }

    public void Remove(Http2Call call)
    {
        Debug.Assert(call.Queue == this, "The call stands in another queue.");
        if (call.Previous is null)
        {
            First = call.Next;
        }
        else
        {
            call.Previous.Next = call.Next;
        }

        if (call.Next is null)
        {
            _last = call.Previous;
        }
        else
        {
            call.Next.Previous = call.Previous;
        }

        call.Queue = null;
        call.Previous = null;
        call.Next = null;
    }
}
