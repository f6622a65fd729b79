using Microsoft.AspNetCore.Http;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>Judges and takes a body of feedback. Answers at once. Any thread.</summary>
/// <param name="sender">Who posts: the one whose share it counts for.</param>
internal delegate FeedbackReply PostFeedback(ReadOnlySpan<byte> json, string sender);

/// <summary>
/// <c>POST /v1/feedback</c> beside the paths of OTLP/HTTP, behind the same TLS, authentication and CORS, and under the same bound on
/// what is in flight. JSON alone: a form or plain text is what a page of any origin may send without being asked for permission.
/// </summary>
internal sealed class FeedbackHandler(PostFeedback post, HttpReceiveOptions options, FeedbackSender senders, ByteBudget inFlight, PayloadPool payloads, FeedbackMetrics metrics, TimeProvider time)
{
    /// <summary>Forty comments of the greatest length, in the widest of letters.</summary>
    public const int BodyBytesMax = 512 << 10;

    private readonly HttpRoutes _routes = new(options.Paths);
    private readonly string _methods = options.Cors is null ? "POST" : "POST, OPTIONS";
    private readonly ReceiveOptions _limits = options.Limits with { MessageBytesMax = Math.Min(BodyBytesMax, options.Limits.MessageBytesMax) };

    /// <summary>Whether a request is one of feedback, by its path.</summary>
    public bool IsFor(HttpRequest request) => _routes.IsFeedback(request.Path.Value);

    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            var reply = RefusalOfHead(http) ?? await TakeAsync(http);
            await reply.WriteAsync(http);
        }
        catch (BadHttpRequestException broken) when (!http.Response.HasStarted && !http.RequestAborted.IsCancellationRequested)
        {
            await Refuse(broken.StatusCode == StatusCodes.Status408RequestTimeout ? FeedbackRejection.TooSlow : FeedbackRejection.Invalid, broken.StatusCode, broken.Message).WriteAsync(http);
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException && http.RequestAborted.IsCancellationRequested)
        {
            // The sender went away: nobody waits for an answer.
        }
    }

    private FeedbackReply? RefusalOfHead(HttpContext http)
    {
        var request = http.Request;
        if (!HttpMethods.IsPost(request.Method))
        {
            http.Response.Headers.Allow = _methods;
            return Refuse(FeedbackRejection.Unsupported, StatusCodes.Status405MethodNotAllowed, "feedback is sent by POST");
        }

        if (HttpMediaTypes.Of(request.ContentType) != HttpMediaType.Json)
        {
            http.Response.Headers["Accept-Post"] = "application/json";
            return Refuse(FeedbackRejection.Unsupported, StatusCodes.Status415UnsupportedMediaType, "the content type must be application/json");
        }

        if (!ContentCodings.TryFind(request.Headers.ContentEncoding, [""], out _))
        {
            http.Response.Headers.AcceptEncoding = "identity";
            return Refuse(FeedbackRejection.Unsupported, StatusCodes.Status415UnsupportedMediaType, "feedback is taken uncompressed");
        }

        return request.ContentLength > _limits.MessageBytesMax ? TooLarge() : null;
    }

    private async Task<FeedbackReply> TakeAsync(HttpContext http)
    {
        using var arrival = new Arrival(inFlight);
        var reader = http.Request.BodyReader;
        var body = new WholeBody(_limits, time);
        if (await body.ArriveAsync(reader, arrival, http.Request.ContentLength ?? -1, lengthIn: null) is { } refusal)
        {
            if (refusal == Refusal.TooLarge)
            {
                await body.DiscardAsync(reader, arrival);
                return TooLarge();
            }

            return refusal == Refusal.ArrivedTooSlowly ? TooSlow() : Busy();
        }

        reader.TryRead(out var read);
        try
        {
            if (!OnePiece.TryTake(read.Buffer, arrival, WholeBody.HeldBytes(read.Buffer), payloads, out var json))
            {
                return Busy();
            }

            using (json)
            {
                return post(json.Span, senders.Of(http));
            }
        }
        finally
        {
            reader.AdvanceTo(read.Buffer.End);
        }
    }

    private FeedbackReply TooLarge() => Refuse(FeedbackRejection.TooLarge, StatusCodes.Status413PayloadTooLarge, $"the body has more than {_limits.MessageBytesMax} bytes");

    private FeedbackReply TooSlow() => Refuse(FeedbackRejection.TooSlow, StatusCodes.Status503ServiceUnavailable, "the body came too slowly: try again") with { RetryAfter = Refusals.RetryDelay };

    private FeedbackReply Busy() => Refuse(FeedbackRejection.Busy, StatusCodes.Status503ServiceUnavailable, "the tap is busy: try again") with { RetryAfter = Refusals.RetryDelay };

    private FeedbackReply Refuse(FeedbackRejection reason, int status, string error)
    {
        metrics.Rejected(reason);
        return new FeedbackReply(status) { Error = error };
    }
}
