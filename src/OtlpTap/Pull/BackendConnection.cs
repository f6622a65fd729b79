using System.Net;
using System.Text;
using OtlpTap.Forward;
using OtlpTap.Forward.Hosts;
using OtlpTap.Otlp;

namespace OtlpTap.Pull;

/// <summary>
/// Gets what a backend's HTTP API answers. What may pass by itself is tried again, as late as the backend asks.
/// For any number of callers.
/// </summary>
internal sealed class BackendConnection(PullOptions pull, TimeProvider time, ILogger logger) : IDisposable
{
    private const int AttemptsMax = 5;

    // Of an error's body: enough for Tempo's and Loki's one line.
    private const int ErrorBytesMax = 4096;
    private const int ErrorTextMax = 300;

    private static readonly TimeSpan ConnectTimeoutMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);

    // A backend may ask for hours; who waits at a terminal is told instead.
    private static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(60);

    private readonly HttpHost _host = new(HostOptions(pull), time, logger);

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
            await Task.Delay(delay, time, cancellation);
        }
    }

    public void Dispose() => _host.Dispose();

    // So that several taps that were refused together do not come back together.
#pragma warning disable CA5394 // No secret: it only spreads retries.
    private static TimeSpan Jittered(TimeSpan delay) => delay * (0.75 + (Random.Shared.NextDouble() / 2));
#pragma warning restore CA5394

    private static HttpHostOptions HostOptions(PullOptions pull) => new(pull.Url, pull.Connection, pull.Timeout, ConnectTimeoutMax)
    {
        Token = pull.TokenFile is { } file ? new ClientBearerTokenOptions($"pull {pull.Name}") { TokenFile = file } : null,
        Decompression = DecompressionMethods.GZip,
    };

    private async Task<(BackendAnswer Answer, TimeSpan? RetryAfter)> TryGetAsync(string pathAndQuery, string accept, CancellationToken cancellation)
    {
        var headers = new List<(string, string)> { ("Accept", accept) };
        if (pull.Source == PullSource.Loki)
        {
            // Tells what of a line is a label, what structured metadata, and what the query parsed out of it.
            headers.Add(("X-Loki-Response-Encoding-Flags", "categorize-labels"));
        }

        var url = new Uri(pull.Url.AbsoluteUri.TrimEnd('/') + pathAndQuery);
        var answer = await _host.GetAsync(url, headers, response => response.IsSuccessStatusCode ? pull.AnswerBytesMax : ErrorBytesMax, cancellation);
        return answer switch
        {
            { Failure: not HostFailure.None } => (BackendAnswer.Failed(FailureOf(answer.Failure), answer.Cause), null),
            { IsSuccess: true, Body: { } body } => (new BackendAnswer(PullFailure.None, answer.Status, answer.ContentType, body, ""), null),
            { IsSuccess: true } => (BackendAnswer.Failed(PullFailure.TooLarge, $"{_host}: the answer is larger than {pull.AnswerBytesMax >> 20} MiB", answer.Status), null),
            _ => (Refusal(answer), answer.RetryAfter),
        };
    }

    private static PullFailure FailureOf(HostFailure failure) => failure switch
    {
        HostFailure.NoCredential => PullFailure.NoCredential,
        HostFailure.Timeout => PullFailure.Timeout,
        HostFailure.Malformed => PullFailure.Malformed,
        _ => PullFailure.Connection,
    };

    private BackendAnswer Refusal(HostAnswer answer)
    {
        var failure = answer.Status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => PullFailure.Refused,
            HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError => PullFailure.Unavailable,
            _ => PullFailure.HttpStatus,
        };
        var text = Encoding.UTF8.GetString(answer.Body ?? []);
        var line = new string([.. text.Select(static character => char.IsControl(character) ? ' ' : character)]).Trim();
        var said = line.Length == 0 || line.StartsWith('<') ? "" : $": {line.Cut(ErrorTextMax, "...")}";
        return BackendAnswer.Failed(failure, $"{_host} answered {(int)answer.Status}{said}", answer.Status);
    }
}
