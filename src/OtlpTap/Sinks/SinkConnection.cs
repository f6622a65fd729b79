using System.Net;
using System.Net.Http.Headers;
using OtlpTap.Forward.Hosts;
using OtlpTap.Metrics;

namespace OtlpTap.Sinks;

/// <summary>Posts bodies to one host, and says whether they were taken.</summary>
internal sealed class SinkConnection(SinkOptions sink, TimeProvider time, ILogger logger) : IDisposable
{
    // An Export*ServiceResponse has two fields.
    private const int AnswerBytesMax = 16 << 10;

    private static readonly TimeSpan ConnectTimeoutMax = TimeSpan.FromSeconds(3);

    // Answers that nobody reads are short: their connections serve again.
    private readonly HttpHost _host = new(new HttpHostOptions(sink.Url!, sink.Connection, sink.Timeout, ConnectTimeoutMax) { DrainBytesMax = 64 << 10 }, time, logger);

    /// <param name="isOtlp">The answer may say that something of it was not taken. Of any other no body is read: whether it was taken stands in the status.</param>
    /// <exception cref="OperationCanceledException">The caller's own <paramref name="cancellation"/> fired.</exception>
    public async Task<SinkReply> PostAsync(
        Uri url, byte[] body, string contentType, IReadOnlyList<(string Name, string Value)> headers, CancellationToken cancellation, bool isOtlp = false)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        var answer = await _host.PostAsync(url, content, headers, response => isOtlp && MayBePartial(response, contentType) ? AnswerBytesMax : 0, cancellation);
        return answer switch
        {
            { Failure: HostFailure.Timeout } => new SinkReply(SinkFailReason.Timeout, IsRetryable: true, answer.Cause),
            { Failure: not HostFailure.None } => new SinkReply(SinkFailReason.Connection, IsRetryable: true, answer.Cause),
            { IsSuccess: true } => SinkReply.OfPartial(answer.Body, $"{_host}"),
            _ => Refusal(answer),
        };
    }

    public void Dispose() => _host.Dispose();

    private static bool MayBePartial(HttpResponseMessage response, string contentType) =>
        response.IsSuccessStatusCode && response.Content.Headers.ContentType?.MediaType == contentType;

    private SinkReply Refusal(HostAnswer answer)
    {
        var isRateLimited = answer.Status == HttpStatusCode.TooManyRequests;
        return new SinkReply(
            isRateLimited ? SinkFailReason.RateLimited : SinkFailReason.HttpStatus,
            IsRetryable: isRateLimited || answer.Status is HttpStatusCode.RequestTimeout || (int)answer.Status >= 500,
            $"{_host} answered {(int)answer.Status}",
            answer.RetryAfter);
    }
}
