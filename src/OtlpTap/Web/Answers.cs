using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using OtlpTap.Buffers;
using OtlpTap.Metrics;

namespace OtlpTap.Web;

/// <summary>
/// The answers of the admin port that are being made or sent, bounded together: one of health or of cases has megabytes, and whoever
/// asks may take as long as they like to read it.
/// </summary>
internal sealed class Answers(ApiMetrics metrics, TimeProvider time)
{
    /// <summary>Fifty of an agent with a thousand tools, which have 1.2 MB each.</summary>
    public const int BytesMax = 64 << 20;

    /// <summary>Of one address; the other half is for the rest.</summary>
    public const int BytesOfClientMax = BytesMax / 2;

    /// <summary>A client has so long, and a second for each <see cref="BytesPerSecondMin"/>: on a poor line, and after a pause.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    public const int BytesPerSecondMin = 16 << 10;

    private const int RetryAfterSeconds = 5;

    // What a connection takes at once, so that it never holds all of a large answer again.
    private const int WriteBytes = 64 << 10;

    private readonly ClientShares _bytes = new(BytesMax, BytesOfClientMax);

    /// <summary>Of answers under way.</summary>
    public long Bytes => _bytes.Taken;

    /// <summary>Has what comes below counted here.</summary>
    public RequestDelegate Over(RequestDelegate next) => http =>
    {
        http.Features.Set(this);
        return next(http);
    };

    /// <param name="write">Writes a whole document.</param>
    public static Task WriteAsync(HttpContext http, int status, Action<Utf8JsonWriter> write) => Of(http).WriteJsonAsync(http, status, write);

    /// <param name="json">A whole document, which the answer keeps.</param>
    public static Task WriteAsync(HttpContext http, int status, ReadOnlyMemory<byte> json) => Of(http).WriteBytesAsync(http, status, json);

    private static Answers Of(HttpContext http) => http.Features.GetRequiredFeature<Answers>();

    private async Task WriteJsonAsync(HttpContext http, int status, Action<Utf8JsonWriter> write)
    {
        using var answer = new AnswerBuffer(_bytes, ClientOf(http));
        using (var json = new Utf8JsonWriter(answer, ApiExchange.Readable))
        {
            write(json);
        }

        if (answer.IsRefused)
        {
            await RefuseAsync(http);
        }
        else
        {
            await SendAsync(http, status, answer.Length, answer.SendAsync);
        }
    }

    private async Task WriteBytesAsync(HttpContext http, int status, ReadOnlyMemory<byte> json)
    {
        var counted = json.Length <= AnswerBuffer.FirstPieceBytes ? 0 : json.Length;
        if (!_bytes.TryGrow(ClientOf(http), held: 0, counted))
        {
            await RefuseAsync(http);
            return;
        }

        try
        {
            await SendAsync(http, status, json.Length, (body, end) => WriteAsync(body, json, end));
        }
        finally
        {
            _bytes.Return(ClientOf(http), counted);
        }
    }

    private static async Task WriteAsync(Stream body, ReadOnlyMemory<byte> json, CancellationToken end)
    {
        for (var rest = json; !rest.IsEmpty; rest = rest[Math.Min(WriteBytes, rest.Length)..])
        {
            await body.WriteAsync(rest[..Math.Min(WriteBytes, rest.Length)], end);
        }
    }

    private async Task SendAsync(HttpContext http, int status, long length, Func<Stream, CancellationToken, Task> send)
    {
        ApiExchange.WriteHead(http, status, length);
        if (HttpMethods.IsHead(http.Request.Method))
        {
            return;
        }

        var patience = Patience + TimeSpan.FromSeconds((double)length / BytesPerSecondMin);
        if (!await SlowReaders.TrySendAsync(end => send(http.Response.Body, end), patience, time, http.RequestAborted))
        {
            metrics.AnswerTooSlow();
            http.Abort();
        }
    }

    private Task RefuseAsync(HttpContext http)
    {
        metrics.AnswerRefused();
        http.Response.Headers.Clear();
        http.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        return ApiExchange.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, "other clients, or this one, have not read as many answers as may wait: try again, or ask for less");
    }

    private static string ClientOf(HttpContext http) => ClientNetwork.Of(http.Connection.RemoteIpAddress);
}
