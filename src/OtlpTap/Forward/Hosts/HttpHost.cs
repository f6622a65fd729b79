using System.Net;
using System.Net.Security;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Hosts;

/// <summary>
/// Calls the HTTP API of one host, over the exporters' connections: their TLS, their headers, their way to an address.
/// Redirects are not followed: what users said goes to whom the operator has named. For any number of callers.
/// </summary>
internal sealed class HttpHost : IDisposable
{
    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http11];

    private readonly TimeSpan _timeout;
    private readonly UpstreamEndpoint _endpoint;
    private readonly UpstreamOptions _options;
    private readonly UpstreamConnector _connector;
    private readonly ClientCredential? _credential;
    private readonly HttpMessageInvoker _invoker;
    private readonly TimeProvider _time;

    public HttpHost(HttpHostOptions host, TimeProvider time, ILogger logger)
    {
        _timeout = host.Timeout;
        _time = time;
        _endpoint = new UpstreamEndpoint(host.Url.IdnHost, host.Url.Port, host.Url.Scheme == Uri.UriSchemeHttps);
        var connectTimeout = host.Timeout / 2 < host.ConnectTimeoutMax ? host.Timeout / 2 : host.ConnectTimeoutMax;
        _options = UpstreamOptions.From(host.Connection, _endpoint) with { ConnectTimeout = connectTimeout };
        _connector = new UpstreamConnector(_options, new ClientTls(_options, time, logger), time);
        _credential = ClientCredential.Create(host.Token, time, logger);
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = host.Decompression,
            ActivityHeadersPropagator = null,
            MaxResponseDrainSize = host.DrainBytesMax,
            ResponseDrainTimeout = host.DrainBytesMax == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(2),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        });
    }

    /// <summary>What messages call the host.</summary>
    public override string ToString() => _endpoint.ToString();

    public Task<HostAnswer> GetAsync(
        Uri url, IReadOnlyList<(string Name, string Value)> headers, Func<HttpResponseMessage, int> bodyBytesMax, CancellationToken cancellation) =>
        CallAsync(HttpMethod.Get, url, null, headers, bodyBytesMax, cancellation);

    /// <param name="headers">Beside those that the configuration pins.</param>
    /// <param name="bodyBytesMax">How much of this answer's body is read; 0: nothing of it.</param>
    /// <exception cref="OperationCanceledException">The caller's own <paramref name="cancellation"/> fired.</exception>
    public Task<HostAnswer> PostAsync(
        Uri url, HttpContent content, IReadOnlyList<(string Name, string Value)> headers, Func<HttpResponseMessage, int> bodyBytesMax, CancellationToken cancellation) =>
        CallAsync(HttpMethod.Post, url, content, headers, bodyBytesMax, cancellation);

    public void Dispose() => _invoker.Dispose();

    private async Task<HostAnswer> CallAsync(
        HttpMethod method, Uri url, HttpContent? content, IReadOnlyList<(string Name, string Value)> headers, Func<HttpResponseMessage, int> bodyBytesMax, CancellationToken cancellation)
    {
        var credential = _credential?.Current;
        if (_credential is not null && credential is null)
        {
            return HostAnswer.Failed(HostFailure.NoCredential, "the token's file cannot be read");
        }

        using var deadline = new CancellationTokenSource(_timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        using var request = new HttpRequestMessage(method, url) { Version = HttpVersion.Version11, Content = content };
        AddHeaders(request, credential, headers);
        try
        {
            using var response = await _invoker.SendAsync(request, either.Token);
            var body = await ReadBodyAsync(response, bodyBytesMax(response), either.Token);
            return new HostAnswer(
                HostFailure.None, "", response.StatusCode, response.Content.Headers.ContentType?.MediaType ?? "", body, RetryAfter.Of(response, _time));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return HostAnswer.Failed(HostFailure.Timeout, $"no whole answer from {_endpoint} within {_timeout.TotalSeconds} s");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return HostAnswer.Failed(HostFailure.Connection, $"{_endpoint}: {CauseOf(exception)}");
        }
        catch (InvalidDataException exception)
        {
            return HostAnswer.Failed(HostFailure.Malformed, $"{_endpoint}: {exception.Message}");
        }
    }

    private void AddHeaders(HttpRequestMessage request, CredentialHeader? credential, IReadOnlyList<(string Name, string Value)> headers)
    {
        request.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        foreach (var (name, value) in RequestHeaders.Of(_options, credential, RequestMetadata.Empty))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }

    /// <summary>Null: it is larger.</summary>
    private static async Task<byte[]?> ReadBodyAsync(HttpResponseMessage response, int bytesMax, CancellationToken cancellation)
    {
        if (bytesMax == 0)
        {
            return [];
        }

        if (response.Content.Headers.ContentLength > bytesMax)
        {
            return null;
        }

        var stream = await response.Content.ReadAsStreamAsync(cancellation);
        using var body = new MemoryStream();
        var buffer = new byte[16 << 10];
        int count;
        while ((count = await stream.ReadAsync(buffer, cancellation)) > 0)
        {
            if (body.Length + count > bytesMax)
            {
                return null;
            }

            body.Write(buffer, 0, count);
        }

        return body.ToArray();
    }

    // The message of a protocol error quotes what the other side sent, which may be our key, or codes for a terminal.
    private static string CauseOf(Exception exception) => exception is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse }
        ? "its answer is no HTTP"
        : exception.GetBaseException().Message;

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_options.ConnectTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var (channel, cause) = await _connector.ConnectAsync(_endpoint, Protocols, both.Token);
        return channel ?? throw new IOException(cause);
    }
}
