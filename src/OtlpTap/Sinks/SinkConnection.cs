using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using OtlpTap.Forward;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Sinks;

/// <summary>
/// Posts bodies to one host, over the exporters' connections: their TLS, their headers, their way to an address. Redirects
/// are not followed: what users said goes to whom the operator has named.
/// </summary>
internal sealed class SinkConnection : IDisposable
{
    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http11];

    private readonly TimeSpan _timeout;
    private readonly UpstreamEndpoint _endpoint;
    private readonly UpstreamOptions _options;
    private readonly UpstreamConnector _connector;
    private readonly HttpMessageInvoker _invoker;
    private readonly TimeProvider _time;

    public SinkConnection(SinkOptions sink, TimeProvider time, ILogger logger)
    {
        var url = sink.Url!;
        _timeout = sink.Timeout;
        _time = time;
        _endpoint = new UpstreamEndpoint(url.IdnHost, url.Port, url.Scheme == Uri.UriSchemeHttps);
        _options = UpstreamOptions.From(sink.Connection, _endpoint) with { ConnectTimeout = sink.Timeout < TimeSpan.FromSeconds(6) ? sink.Timeout / 2 : TimeSpan.FromSeconds(3) };
        _connector = new UpstreamConnector(_options, new ClientTls(_options, time, logger), time);
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            MaxResponseDrainSize = 64 << 10,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        });
    }

    /// <param name="isOtlp">The answer may say that something of it was not taken. Of any other no body is read: whether it was taken stands in the status.</param>
    /// <exception cref="OperationCanceledException">The caller's own <paramref name="cancellation"/> fired.</exception>
    public async Task<SinkReply> PostAsync(
        Uri url, byte[] body, string contentType, IReadOnlyList<(string Name, string Value)> headers, CancellationToken cancellation, bool isOtlp = false)
    {
        using var deadline = new CancellationTokenSource(_timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower, Content = content };
        request.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        foreach (var (name, value) in RequestHeaders.Of(_options, null, RequestMetadata.Empty))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        try
        {
            using var response = await _invoker.SendAsync(request, either.Token);
            return response.IsSuccessStatusCode && isOtlp ? await PartialAsync(response, contentType, either.Token) : Reply(response);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new SinkReply(SinkFailReason.Timeout, IsRetryable: true, $"no answer from {_endpoint} within {_timeout.TotalSeconds} s");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return new SinkReply(SinkFailReason.Connection, IsRetryable: true, $"{_endpoint}: {exception.GetBaseException().Message}");
        }
    }

    public void Dispose() => _invoker.Dispose();

    private async Task<SinkReply> PartialAsync(HttpResponseMessage response, string contentType, CancellationToken cancellation)
    {
        const int AnswerBytesMax = 16 << 10;
        if (response.Content.Headers.ContentType?.MediaType != contentType)
        {
            return SinkReply.Taken;
        }

        var answer = new byte[AnswerBytesMax];
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var length = await stream.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, cancellation);
        return SinkReply.OfPartial(answer.AsSpan(0, length), $"{_endpoint}");
    }

    private SinkReply Reply(HttpResponseMessage response)
    {
        if (response.IsSuccessStatusCode)
        {
            return SinkReply.Taken;
        }

        var isRateLimited = response.StatusCode == HttpStatusCode.TooManyRequests;
        return new SinkReply(
            isRateLimited ? SinkFailReason.RateLimited : SinkFailReason.HttpStatus,
            IsRetryable: isRateLimited || response.StatusCode is HttpStatusCode.RequestTimeout || (int)response.StatusCode >= 500,
            $"{_endpoint} answered {(int)response.StatusCode}",
            response.Headers.RetryAfter switch
            {
                { Delta: { } delta } => delta,
                { Date: { } date } => date > _time.GetUtcNow() ? date - _time.GetUtcNow() : TimeSpan.Zero,
                _ => null,
            });
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_options.ConnectTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var (channel, cause) = await _connector.ConnectAsync(_endpoint, Protocols, both.Token);
        return channel ?? throw new IOException(cause);
    }
}
