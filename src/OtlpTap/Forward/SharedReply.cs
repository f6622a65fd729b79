using System.Globalization;
using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>
/// What each member of a joined call is told. The upstream's reply, except for one thing that no reply to a joined call
/// can say: whose items a partial success rejected. Sending the members again to find out is ruled out, because the rest
/// was accepted. So each member hears of as many rejected items as could be its own: never too few, and never more than
/// it sent. See docs/decisions/partial-success-of-joined-requests.md.
/// </summary>
internal readonly struct SharedReply
{
    private readonly ExportReply _reply;
    private readonly PartialSuccess _partial;

    public SharedReply(ExportReply reply, int requests)
    {
        _reply = reply;
        if (requests > 1
            && reply is { Status: StatusCode.OK, Body.IsEmpty: false }
            && PartialSuccess.TryRead(reply.Body.Span, out var partial)
            && partial.Rejected > 0)
        {
            _partial = partial with
            {
                Message = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{partial.Message} (of {requests} requests sent together, {partial.Rejected} items in all were rejected)"),
            };
        }
    }

    /// <summary>While the request's bytes are still there.</summary>
    public ExportReply For(ForwardRequest request)
    {
        if (_partial.Rejected == 0)
        {
            return _reply;
        }

        var rejected = Math.Min(_partial.Rejected, ItemCount.Of(request.Signal, request.Payload.Span));
        var body = rejected == 0 ? ReadOnlyMemory<byte>.Empty : (_partial with { Rejected = rejected }).ToResponse();
        return new ExportReply(StatusCode.OK, _reply.Message, body, _reply.Trailers.ToArray());
    }
}
