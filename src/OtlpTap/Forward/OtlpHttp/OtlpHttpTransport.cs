using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Text;
using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.OtlpHttp;

/// <summary>
/// Calls by OTLP/HTTP: HTTP/1.1 in the clear, HTTP/2 or 1.1 over TLS as the upstream chooses. Bodies come encoded.
/// Redirects are not followed: telemetry and credentials go to whom the operator has named, and to nobody else.
/// </summary>
internal sealed class OtlpHttpTransport : IUpstreamTransport
{
    /// <summary>An upstream that has answered within this needs no connection to show that it is there.</summary>
    public static readonly TimeSpan AnsweredRecently = TimeSpan.FromSeconds(15);

    private const int FirstReadBytes = 512;

    private static readonly MediaTypeHeaderValue Protobuf = new(OtlpHttpReply.ProtobufType);
    private static readonly MediaTypeHeaderValue Json = new(OtlpHttpReply.JsonType);
    private static readonly List<SslApplicationProtocol> BothProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];
    private static readonly List<SslApplicationProtocol> Http11Only = [SslApplicationProtocol.Http11];

    /// <summary>Fields that are the transport's own, or that belong to one connection.</summary>
    private static readonly HashSet<string> Reserved = new(StringComparer.Ordinal)
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
    };

    private readonly OtlpHttpEndpoints _endpoints;
    private readonly UpstreamOptions _options;
    private readonly MediaTypeHeaderValue _contentType;
    private readonly TimeProvider _time;
    private readonly UpstreamConnector _connector;
    private readonly ClientCredential? _credential;
    private readonly HttpMessageInvoker _invoker;

    // Once an upstream has chosen HTTP/1.1, the handler takes its connections for that: h2 is not offered again.
    private volatile bool _isHttp11Only;
    private long _answeredAt;

    public OtlpHttpTransport(OtlpHttpExporterOptions exporter, OtlpHttpEndpoints endpoints, UpstreamOptions options, TimeProvider time, ILogger<OtlpHttpTransport> logger)
    {
        _endpoints = endpoints;
        _options = options;
        _contentType = exporter.IsJson ? Json : Protobuf;
        _time = time;
        _connector = new UpstreamConnector(options, new ClientTls(options, time, logger), time, options.IsRoundRobin);
        _credential = ClientCredential.Create(options.Auth, time, logger);
        _invoker = new HttpMessageInvoker(CreateHandler(exporter));
    }

    public ValueTask<UpstreamAnswer> CallAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation)
    {
        if (_endpoints[signal] is not { } url)
        {
            return new(NoUrl(signal));
        }

        var credential = _credential?.Current;
        return _credential is not null && credential is null
            ? new(UpstreamFailure.ConnectFailed(OtlpHttpEndpoints.EndpointOf(url), Http2.RequestHeaderBlocks.NoCredential))
            : SendAsync(url, body, credential, metadata, cancellation);
    }

    public async ValueTask<UpstreamAnswer?> ProbeAsync(CancellationToken cancellation)
    {
        var answeredAt = Volatile.Read(ref _answeredAt);
        if (answeredAt != 0 && _time.GetElapsedTime(answeredAt) < AnsweredRecently)
        {
            return null;
        }

        foreach (var host in _endpoints.Hosts)
        {
            using var deadline = new CancellationTokenSource(_options.ConnectTimeout, _time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
            var (channel, cause) = await _connector.ConnectAsync(host, Protocols, both.Token);
            cancellation.ThrowIfCancellationRequested();
            if (channel is null)
            {
                return UpstreamFailure.ConnectFailed(host, cause);
            }

            await channel.DisposeAsync();
        }

        return null;
    }

    public ValueTask DisposeAsync()
    {
        _invoker.Dispose();
        return ValueTask.CompletedTask;
    }

    private List<SslApplicationProtocol> Protocols => _isHttp11Only ? Http11Only : BothProtocols;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<UpstreamAnswer> SendAsync(Uri url, UpstreamBody body, CredentialHeader? credential, RequestMetadata metadata, CancellationToken cancellation)
    {
        var endpoint = OtlpHttpEndpoints.EndpointOf(url);
        var content = new PayloadContent(body);
        using var request = CreateRequest(url, body, content, credential, metadata);
        try
        {
            using var response = await _invoker.SendAsync(request, cancellation);
            var answer = await ReadAsync(endpoint, response, cancellation);
            Volatile.Write(ref _answeredAt, _time.GetTimestamp());
            return answer;
        }
        catch (HttpRequestException exception)
        {
            return Failure(endpoint, exception);
        }
        catch (IOException exception)
        {
            return UpstreamFailure.ConnectionLost(endpoint, Cause(exception));
        }
        finally
        {
            await content.StopReadingAsync();
        }
    }

    private HttpRequestMessage CreateRequest(Uri url, UpstreamBody body, PayloadContent content, CredentialHeader? credential, RequestMetadata metadata)
    {
        content.Headers.ContentType = _contentType;
        if (body.Compression.Name() is { } compression)
        {
            content.Headers.TryAddWithoutValidation("Content-Encoding", compression);
        }

        var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Version = url.Scheme == Uri.UriSchemeHttps ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            Content = content,
        };
        request.Headers.Host = _options.Authority;
        request.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        foreach (var (name, value) in RequestHeaders.Of(_options, credential, metadata))
        {
            if (!Reserved.Contains(name))
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return request;
    }

    private async ValueTask<UpstreamAnswer> ReadAsync(UpstreamEndpoint endpoint, HttpResponseMessage response, CancellationToken cancellation)
    {
        var status = (int)response.StatusCode;
        var isSuccess = response.IsSuccessStatusCode;
        var mediaType = MediaType(response);
        var isMessage = OtlpHttpReply.IsMessage(mediaType, isSuccess);
        if (IsCompressed(response))
        {
            // Never asked for. Of a failure the status tells enough.
            return isSuccess && isMessage ? UpstreamFailure.Compressed(endpoint) : OtlpHttpReply.Read(endpoint, status, null, [], RetryAfter.Of(response, _time));
        }

        // Also one that says nothing is read, as far as it is short: else its connection could not be used again.
        var (body, isCut) = await ReadBodyAsync(response, isMessage ? _options.ResponseBytesMax : OtlpHttpReply.TextBytesMax, isSuccess && isMessage, cancellation);
        if (isCut && isSuccess && isMessage)
        {
            return UpstreamFailure.ResponseTooLarge(endpoint, (uint)body.Length + 1, _options.ResponseBytesMax);
        }

        // Half a Status is none: what could be read of it goes nowhere.
        return isCut && isMessage
            ? OtlpHttpReply.Read(endpoint, status, null, [], RetryAfter.Of(response, _time))
            : OtlpHttpReply.Read(endpoint, status, mediaType, body.Span, RetryAfter.Of(response, _time));
    }

    /// <summary>At most <paramref name="bytesMax"/> bytes, and whether there were more.</summary>
    /// <param name="mustBeWhole">Else what came before the connection broke counts for all of it.</param>
    /// <exception cref="IOException">The connection broke.</exception>
    private static async ValueTask<(ReadOnlyMemory<byte> Body, bool IsCut)> ReadBodyAsync(HttpResponseMessage response, int bytesMax, bool mustBeWhole, CancellationToken cancellation)
    {
        var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var body = new byte[Math.Min(FirstReadBytes, bytesMax)];
        var length = 0;
        try
        {
            int count;
            while ((count = await stream.ReadAsync(body.AsMemory(length), cancellation)) > 0)
            {
                length += count;
                if (length < body.Length)
                {
                    continue;
                }

                if (length == bytesMax)
                {
                    return (body, await stream.ReadAsync(new byte[1], cancellation) > 0);
                }

                Array.Resize(ref body, Math.Min(bytesMax, 2 * body.Length));
            }
        }
        catch (IOException) when (!mustBeWhole)
        {
            // The status has come, and says what the sender needs.
        }

        return (body.AsMemory(0, length), false);
    }

    // A header that is no media type is as good as none.
    private static string? MediaType(HttpResponseMessage response)
    {
        try
        {
            return response.Content.Headers.ContentType?.MediaType;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static bool IsCompressed(HttpResponseMessage response) =>
        response.Content.Headers.NonValidated.TryGetValues("Content-Encoding", out var encodings)
        && encodings.Any(encoding => encoding.Length > 0 && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase));

    private static UpstreamAnswer Failure(UpstreamEndpoint endpoint, HttpRequestException exception)
    {
        for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is ConnectException)
            {
                return UpstreamFailure.ConnectFailed(endpoint, inner.Message);
            }
        }

        return exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.VersionNegotiationError
            ? UpstreamFailure.ConnectFailed(endpoint, Cause(exception))
            : UpstreamFailure.ConnectionLost(endpoint, Cause(exception));
    }

    // The innermost message says what happened; the outer ones say that something did.
    private static string Cause(Exception exception) => exception.GetBaseException().Message;

    private static UpstreamAnswer NoUrl(Signal signal) => new(
        UpstreamOutcome.Malformed,
        new ExportReply(StatusCode.Unimplemented, $"the exporter has no URL for {signal.ToString().ToLowerInvariant()}", default, []));

    private SocketsHttpHandler CreateHandler(OtlpHttpExporterOptions exporter)
    {
        var isSpread = _options.IsRoundRobin && _endpoints.Hosts.Any(host => SeveralHosts.MayBeBehind(host.Host));
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            UseProxy = _options.Proxy is not null,
            Proxy = _options.Proxy is { } proxy ? new ClearTextProxy(proxy) : null,
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            // Otherwise a traceparent of ours goes out with the senders' requests.
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = true,
            // What is left of an answer is not read any more, or one without end would be, for seconds: its connection closes.
            MaxResponseDrainSize = 0,
            ResponseDrainTimeout = TimeSpan.Zero,
            KeepAlivePingDelay = _options.KeepalivePingDelay,
            KeepAlivePingTimeout = _options.KeepalivePingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = exporter.IdleConnectionTimeout > TimeSpan.Zero ? exporter.IdleConnectionTimeout : Timeout.InfiniteTimeSpan,
            // A new connection resolves the name anew, and takes the next of its addresses.
            PooledConnectionLifetime = isSpread ? _options.ResolveInterval : Timeout.InfiniteTimeSpan,
            // Values are received as UTF-8 and leave the same way. The default refuses what is not ASCII.
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        };
        if (exporter.ConnectionsMax is > 0 and { } connections)
        {
            handler.MaxConnectionsPerServer = connections;
        }

        return handler;
    }

    // The handler's own TLS is set up once; this one reads the files anew, and is the one that gRPC has.
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var useTls = context.InitialRequestMessage.RequestUri!.Scheme == Uri.UriSchemeHttps;
        var endpoint = new UpstreamEndpoint(context.DnsEndPoint.Host, context.DnsEndPoint.Port, useTls);
        using var deadline = new CancellationTokenSource(_options.ConnectTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var (channel, cause) = await _connector.ConnectAsync(endpoint, Protocols, both.Token);
        if (channel is SslStream secured && secured.NegotiatedApplicationProtocol != SslApplicationProtocol.Http2)
        {
            _isHttp11Only = true;
        }

        return channel ?? throw new ConnectException(cause);
    }

    /// <summary>The one way to tell the handler that there is no connection.</summary>
    private sealed class ConnectException(string cause) : Exception(cause);

    /// <summary>For requests in the clear, which a proxy reads and passes on; what goes over TLS is tunnelled by <see cref="ProxyTunnel"/>.</summary>
    private sealed class ClearTextProxy(Uri proxy) : IWebProxy
    {
        public ICredentials? Credentials { get; set; } = proxy.UserInfo.Split(':', 2) is [{ Length: > 0 } user, var password]
            ? new NetworkCredential(Uri.UnescapeDataString(user), Uri.UnescapeDataString(password))
            : null;

        public Uri? GetProxy(Uri destination) => IsBypassed(destination) ? null : proxy;

        public bool IsBypassed(Uri host) => host.Scheme == Uri.UriSchemeHttps;
    }
}
