using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Connections.Features;
using OtlpTap.Advice;
using OtlpTap.Buffers;
using OtlpTap.Metrics;

namespace OtlpTap.Web;

/// <summary>
/// Advice as server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html: all of it at once and on each
/// change, and a comment in between so that either side notices when the other is gone.
/// <code>
///   event: advice
///   id: 12
///   data: {"version":12,...}
///   (an empty line)
///   : still here
///   (an empty line)
/// </code>
/// A stream holds nothing but its query: what a slow client has not taken when advice changes, it does not get; then it gets the newest.
/// </summary>
/// <param name="stopping">The tap goes down: all streams end.</param>
internal sealed class AdviceStreams(IAdviceSource source, ApiMetrics metrics, TimeProvider time, CancellationToken stopping)
{
    /// <summary>A client for each agent process; 44 KB of connection each, of the 256 connections that the tap's own ports may have.</summary>
    public const int Max = 128;

    /// <summary>Of one address, which may be a whole machine's agents, or those behind a proxy.</summary>
    public const int OfClientMax = Max / 2;

    /// <summary>Proxies end what was silent for half a minute or a minute.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    /// <summary>A client that takes nothing for so long is cut off.</summary>
    public static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(15);

    /// <summary>Of all streams together: events that their clients have not taken yet. With the largest names that senders can choose an event has megabytes.</summary>
    public const int WaitingBytesMax = 64 << 20;

    private readonly ClientShares _running = new(Max, OfClientMax);

    // Of one client there are half of all streams at most: a further bound would cut off those of a proxy that reads.
    private readonly ClientShares _waitingBytes = new(WaitingBytesMax, WaitingBytesMax);

    public async Task RunAsync(HttpContext http, AdviceQuery query)
    {
        var client = ClientNetwork.Of(http.Connection.RemoteIpAddress);
        if (!_running.TryTake(client))
        {
            metrics.StreamRefused();
            http.Response.Headers.RetryAfter = "30";
            await ApiExchange.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, $"{Max} streams are open, or {OfClientMax} of this address, which is all that may be: ask /api/v1/advice from time to time instead");
            return;
        }

        metrics.StreamOpened();
        try
        {
            await StreamAsync(http, query);
        }
        finally
        {
            _running.Return(client);
            metrics.StreamClosed();
        }
    }

    private async Task StreamAsync(HttpContext http, AdviceQuery query)
    {
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-cache";
        http.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would collect events before it passes them on

        // The listener closes, at the end or because a reload has moved it.
        var closing = http.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, closing, stopping);
        try
        {
            var snapshot = source.Current;
            while (await WriteAsync(http, bytes => WriteEvent(bytes, snapshot, query), end.Token))
            {
                while (await ChangedAsync(snapshot.Version, end.Token) is not { } changed)
                {
                    if (!await WriteAsync(http, static comment => comment.Write(": still here\n\n"u8), end.Token))
                    {
                        return;
                    }
                }

                snapshot = source.Current;
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The client is gone, or the tap goes down.
        }
    }

    private void WriteEvent(IBufferWriter<byte> to, AdviceSnapshot snapshot, AdviceQuery query)
    {
        to.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"event: advice\nid: {snapshot.Version}\ndata: ")));
        using (var json = new Utf8JsonWriter(to, ApiExchange.Readable))
        {
            AdviceJson.Write(json, snapshot, query, source.Holdout, time.GetUtcNow());
        }

        to.Write("\n\n"u8);
    }

    // Null when it is time to show that the stream lives.
    private async Task<AdviceSnapshot?> ChangedAsync(long version, CancellationToken end)
    {
        using var heartbeat = new CancellationTokenSource(Heartbeat, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(heartbeat.Token, end);
        try
        {
            return await source.NextAsync(version, either.Token);
        }
        catch (OperationCanceledException) when (heartbeat.IsCancellationRequested && !end.IsCancellationRequested)
        {
            return null;
        }
    }

    // False where the client takes nothing any more, or too much waits for others, and it was cut off.
    private async Task<bool> WriteAsync(HttpContext http, Action<IBufferWriter<byte>> write, CancellationToken end)
    {
        using var bytes = new AnswerBuffer(_waitingBytes, ClientNetwork.Of(http.Connection.RemoteIpAddress));
        write(bytes);
        var isTaken = !bytes.IsRefused && await SlowReaders.TrySendAsync(cancellation => bytes.SendAsync(http.Response.Body, cancellation), WriteTimeout, time, end);
        if (!isTaken)
        {
            metrics.StreamTooSlow();
            http.Abort();
        }

        return isTaken;
    }
}
