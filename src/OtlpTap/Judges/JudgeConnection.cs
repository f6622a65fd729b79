using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using OtlpTap.Forward;
using OtlpTap.Metrics;

namespace OtlpTap.Judges;

/// <summary>What came of a question: an answer's bytes, or why there is none.</summary>
/// <param name="Failure">Null: <paramref name="Body"/> is the answer.</param>
/// <param name="Cause">For the log; never a header, and of a body nothing.</param>
/// <param name="RetryAfter">How long to leave the evaluator alone.</param>
internal readonly record struct JudgeReply(JudgeFailReason? Failure, byte[] Body, string Cause, TimeSpan? RetryAfter)
{
    public static JudgeReply Failed(JudgeFailReason reason, string cause, TimeSpan? retryAfter = null) => new(reason, [], cause, retryAfter);
}

/// <summary>
/// Posts JSON to one URL, over the exporters' connections: their TLS, their headers, their way to an address. Redirects are
/// not followed: what users said goes to whom the operator has named.
/// </summary>
internal sealed class JudgeConnection : IDisposable
{
    /// <summary>An answer is a few hundred bytes; a model that repeats itself may fill its whole context.</summary>
    public const int AnswerBytesMax = 1 << 20;

    private static readonly MediaTypeHeaderValue Json = new("application/json");
    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http11];

    private readonly Uri _url;
    private readonly TimeSpan _timeout;
    private readonly UpstreamEndpoint _endpoint;
    private readonly UpstreamOptions _options;
    private readonly UpstreamConnector _connector;
    private readonly ClientCredential? _credential;
    private readonly HttpMessageInvoker _invoker;
    private readonly TimeProvider _time;

    public JudgeConnection(JudgeOptions judge, TimeProvider time, ILogger logger)
    {
        _url = judge.Url;
        _timeout = judge.Timeout;
        _time = time;
        _endpoint = new UpstreamEndpoint(judge.Url.IdnHost, judge.Url.Port, judge.Url.Scheme == Uri.UriSchemeHttps);
        _options = UpstreamOptions.From(judge.Connection, _endpoint) with { ConnectTimeout = judge.Timeout < TimeSpan.FromSeconds(6) ? judge.Timeout / 2 : TimeSpan.FromSeconds(3) };
        _connector = new UpstreamConnector(_options, new ClientTls(_options, time, logger), time);
        var key = judge.Chat?.ApiKeyFile is { } file ? new ClientBearerTokenOptions($"judge {judge.Name}") { TokenFile = file } : null;
        _credential = ClientCredential.Create(key, time, logger);
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            MaxResponseDrainSize = 0,
            ResponseDrainTimeout = TimeSpan.Zero,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        });
    }

    /// <exception cref="OperationCanceledException">The caller's own <paramref name="cancellation"/> fired.</exception>
    public async Task<JudgeReply> AskAsync(byte[] question, CancellationToken cancellation)
    {
        var credential = _credential?.Current;
        if (_credential is not null && credential is null)
        {
            return JudgeReply.Failed(JudgeFailReason.NoCredential, "the key's file cannot be read");
        }

        using var deadline = new CancellationTokenSource(_timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        using var request = CreateRequest(question, credential);
        try
        {
            using var response = await _invoker.SendAsync(request, either.Token);
            return await ReadAsync(response, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return JudgeReply.Failed(JudgeFailReason.Timeout, $"no answer from {_endpoint} within {_timeout.TotalSeconds} s");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return JudgeReply.Failed(JudgeFailReason.Connection, $"{_endpoint}: {CauseOf(exception)}");
        }
    }

    public void Dispose() => _invoker.Dispose();

    // The message of a protocol error quotes what the other side sent, which may be our key, or codes for a terminal.
    private static string CauseOf(Exception exception) => exception is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse }
        ? "its answer is no HTTP"
        : exception.GetBaseException().Message;

    private HttpRequestMessage CreateRequest(byte[] question, CredentialHeader? credential)
    {
        var content = new ByteArrayContent(question);
        content.Headers.ContentType = Json;
        var request = new HttpRequestMessage(HttpMethod.Post, _url) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower, Content = content };
        request.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        foreach (var (name, value) in RequestHeaders.Of(_options, credential, Otlp.RequestMetadata.Empty))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    private async Task<JudgeReply> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        if (!response.IsSuccessStatusCode)
        {
            return JudgeReply.Failed(
                response.StatusCode == HttpStatusCode.TooManyRequests ? JudgeFailReason.RateLimited : JudgeFailReason.HttpStatus,
                $"{_endpoint} answered {(int)response.StatusCode}",
                RetryAfter(response));
        }

        var stream = await response.Content.ReadAsStreamAsync(cancellation);
        using var body = new MemoryStream();
        var buffer = new byte[16 << 10];
        int count;
        while ((count = await stream.ReadAsync(buffer, cancellation)) > 0)
        {
            if (body.Length + count > AnswerBytesMax)
            {
                return JudgeReply.Failed(JudgeFailReason.AnswerTooLarge, $"{_endpoint}: the answer is larger than {AnswerBytesMax} bytes");
            }

            body.Write(buffer, 0, count);
        }

        return new JudgeReply(null, body.ToArray(), "", null);
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date > _time.GetUtcNow() ? date - _time.GetUtcNow() : TimeSpan.Zero,
        _ => null,
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_options.ConnectTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var (channel, cause) = await _connector.ConnectAsync(_endpoint, Protocols, both.Token);
        return channel ?? throw new IOException(cause);
    }
}
