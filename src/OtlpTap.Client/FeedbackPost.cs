using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace OtlpTap.Client;

/// <summary>Feedback was not taken; the message says why, in the tap's words where it has said something.</summary>
public sealed class FeedbackException : Exception
{
    internal FeedbackException(string message, HttpStatusCode? status, TimeSpan? retryAfter = null, Exception? cause = null)
        : base(message, cause) => (Status, RetryAfter) = (status, retryAfter);

    /// <summary>What the tap answered; null where it could not be reached.</summary>
    public HttpStatusCode? Status { get; }

    /// <summary>Whether the same can succeed later.</summary>
    public bool IsTransient => Status is null or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;

    /// <summary>When, where the tap says so.</summary>
    public TimeSpan? RetryAfter { get; }
}

/// <summary><c>POST /v1/feedback</c>.</summary>
internal sealed class FeedbackPost(HttpClient http, TapClientOptions options)
{
    private const int ReasonLengthMax = 1024;

    /// <exception cref="FeedbackException">It was not taken.</exception>
    public async Task SendAsync(byte[] json, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(options.RequestTimeout, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            using var request = Request(json);
            using var response = await http.SendAsync(request, either.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                throw await RefusalAsync(response, either.Token).ConfigureAwait(false);
            }
        }
        catch (Exception problem) when (problem is not FeedbackException && !cancellation.IsCancellationRequested) // whatever the way there throws, which may be the application's
        {
            throw new FeedbackException($"{options.FeedbackEndpoint} could not be reached: {problem.Message}", null, cause: problem);
        }
    }

    private HttpRequestMessage Request(byte[] json)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(TapClientOptions.Directory(options.FeedbackEndpoint), "v1/feedback")) { Content = new ByteArrayContent(json) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (options.FeedbackToken is { } token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        return request;
    }

    private static async Task<FeedbackException> RefusalAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var reason = await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false);
        var message = string.Create(CultureInfo.InvariantCulture, $"the tap answered {(int)response.StatusCode}: {(reason.Length > ReasonLengthMax ? reason[..ReasonLengthMax] : reason)}");
        return new FeedbackException(message, response.StatusCode, response.Headers.RetryAfter?.Delta);
    }
}
