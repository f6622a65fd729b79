using System.Net;
using System.Net.Security;
using System.Text;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Pull;

/// <summary>
/// Gets what a backend's HTTP API answers, over the exporters' connections: their TLS, their headers, their way to an
/// address. What may pass by itself is tried again, as late as the backend asks. For any number of callers.
/// </summary>
internal sealed class BackendConnection : IDisposable
{
    private const int AttemptsMax = 5;

    // Of an error's body: enough for Tempo's and Loki's one line.
    private const int ErrorBytesMax = 4096;
    private const int ErrorTextMax = 300;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);

    // A backend may ask for hours; who waits at a terminal is told instead.
    private static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(60);
    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http11];

    private readonly PullOptions _pull;
    private readonly UpstreamEndpoint _endpoint;
    private readonly UpstreamOptions _options;
    private readonly UpstreamConnector _connector;
    private readonly ClientCredential? _credential;
    private readonly HttpMessageInvoker _invoker;
    private readonly TimeProvider _time;

    public BackendConnection(PullOptions pull, TimeProvider time, ILogger logger)
    {
        _pull = pull;
        _time = time;
        _endpoint = new UpstreamEndpoint(pull.Url.IdnHost, pull.Url.Port, pull.Url.Scheme == Uri.UriSchemeHttps);
        _options = UpstreamOptions.From(pull.Connection, _endpoint) with { ConnectTimeout = pull.Timeout < TimeSpan.FromSeconds(10) ? pull.Timeout / 2 : TimeSpan.FromSeconds(5) };
        _connector = new UpstreamConnector(_options, new ClientTls(_options, time, logger), time);
        _credential = ClientCredential.Create(pull.TokenFile is { } file ? new ClientBearerTokenOptions($"pull {pull.Name}") { TokenFile = file } : null, time, logger);
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.GZip,
            ActivityHeadersPropagator = null,
            MaxResponseDrainSize = 0,
            ResponseDrainTimeout = TimeSpan.Zero,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        });
    }

    /// <summary>Told of each attempt that failed and is made again: why, and in how long.</summary>
    public Action<string, TimeSpan>? Retrying { get; set; }

    /// <param name="pathAndQuery">Below the backend's URL, beginning with a slash; values escaped.</param>
    /// <exception cref="OperationCanceledException">The caller's own <paramref name="cancellation"/> fired.</exception>
    public async Task<BackendAnswer> GetAsync(string pathAndQuery, string accept, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (answer, retryAfter) = await TryGetAsync(pathAndQuery, accept, cancellation);
            if (attempt == AttemptsMax || answer.Failure is not (PullFailure.Timeout or PullFailure.Connection or PullFailure.Unavailable) || retryAfter > DelayMax)
            {
                return answer;
            }

            var delay = retryAfter ?? Jittered(FirstDelay * (1 << (attempt - 1)));
            Retrying?.Invoke(answer.Cause, delay);
            await Task.Delay(delay, _time, cancellation);
        }
    }

    public void Dispose() => _invoker.Dispose();

    // So that several taps that were refused together do not come back together.
#pragma warning disable CA5394 // No secret: it only spreads retries.
    private static TimeSpan Jittered(TimeSpan delay) => delay * (0.75 + (Random.Shared.NextDouble() / 2));
#pragma warning restore CA5394

    private async Task<(BackendAnswer Answer, TimeSpan? RetryAfter)> TryGetAsync(string pathAndQuery, string accept, CancellationToken cancellation)
    {
        var credential = _credential?.Current;
        if (_credential is not null && credential is null)
        {
            return (BackendAnswer.Failed(PullFailure.NoCredential, "the token's file cannot be read"), null);
        }

        using var deadline = new CancellationTokenSource(_pull.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_pull.Url.AbsoluteUri.TrimEnd('/') + pathAndQuery)) { Version = HttpVersion.Version11 };
        request.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (_pull.Source == PullSource.Loki)
        {
            // Tells what of a line is a label, what structured metadata, and what the query parsed out of it.
            request.Headers.TryAddWithoutValidation("X-Loki-Response-Encoding-Flags", "categorize-labels");
        }

        foreach (var (name, value) in RequestHeaders.Of(_options, credential, RequestMetadata.Empty))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        try
        {
            using var response = await _invoker.SendAsync(request, either.Token);
            return response.IsSuccessStatusCode
                ? (await ReadAsync(response, either.Token), null)
                : (await RefusalAsync(response, either.Token), RetryAfter(response));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (BackendAnswer.Failed(PullFailure.Timeout, $"no whole answer from {_endpoint} within {_pull.Timeout.TotalSeconds} s"), null);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return (BackendAnswer.Failed(PullFailure.Connection, $"{_endpoint}: {exception.GetBaseException().Message}"), null);
        }
        catch (InvalidDataException exception)
        {
            return (BackendAnswer.Failed(PullFailure.Malformed, $"{_endpoint}: {exception.Message}"), null);
        }
    }

    private async Task<BackendAnswer> ReadAsync(HttpResponseMessage response, CancellationToken cancellation) =>
        await ReadBodyAsync(response, _pull.AnswerBytesMax, cancellation) is { } body
            ? new BackendAnswer(PullFailure.None, response.StatusCode, response.Content.Headers.ContentType?.MediaType ?? "", body, "")
            : BackendAnswer.Failed(PullFailure.TooLarge, $"{_endpoint}: the answer is larger than {_pull.AnswerBytesMax >> 20} MiB", response.StatusCode);

    private async Task<BackendAnswer> RefusalAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var failure = response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => PullFailure.Refused,
            HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError => PullFailure.Unavailable,
            _ => PullFailure.HttpStatus,
        };
        var text = Encoding.UTF8.GetString(await ReadBodyAsync(response, ErrorBytesMax, cancellation) ?? []);
        var line = new string([.. text.Select(static character => char.IsControl(character) ? ' ' : character)]).Trim();
        var said = line.Length == 0 || line.StartsWith('<') ? "" : $": {line.Cut(ErrorTextMax, "...")}";
        return BackendAnswer.Failed(failure, $"{_endpoint} answered {(int)response.StatusCode}{said}", response.StatusCode);
    }

    /// <summary>Null: it is larger.</summary>
    private static async Task<byte[]?> ReadBodyAsync(HttpResponseMessage response, int bytesMax, CancellationToken cancellation)
    {
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
