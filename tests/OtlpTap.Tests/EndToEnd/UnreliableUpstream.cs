using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>How an upstream behaves for a while.</summary>
internal enum Mood
{
    Well,

    /// <summary>Its port is closed and its connections cut.</summary>
    Killed,

    /// <summary>It takes calls and never answers them.</summary>
    Stalled,

    /// <summary>It takes the request and cuts the stream in the middle of its answer.</summary>
    ResetInAnswer,

    /// <summary>It cuts the stream before it has taken the request.</summary>
    ResetBefore,

    /// <summary>It refuses with each retryable status in turn.</summary>
    RefusingForNow,

    /// <summary>It refuses with each other status in turn.</summary>
    RefusingForGood,

    /// <summary>Something in front of it answers: HTTP 502, 503 and 504 without gRPC.</summary>
    BehindBrokenProxy,
}

/// <summary>A real server on one port that comes and goes, and notes what it takes.</summary>
internal sealed class UnreliableUpstream : IAsyncDisposable
{
    private static readonly StatusCode[] ForNow = [StatusCode.Unavailable, StatusCode.Aborted, StatusCode.Cancelled, StatusCode.DeadlineExceeded, StatusCode.OutOfRange, StatusCode.DataLoss];

    private static readonly StatusCode[] ForGood =
    [
        StatusCode.InvalidArgument, StatusCode.PermissionDenied, StatusCode.Unauthenticated, StatusCode.NotFound, StatusCode.AlreadyExists,
        StatusCode.FailedPrecondition, StatusCode.Unimplemented, StatusCode.Internal, StatusCode.Unknown, StatusCode.ResourceExhausted,
    ];

    private static readonly int[] HttpForNow = [429, 502, 503, 504];

    private static readonly int[] HttpForGood = [400, 401, 403, 404, 405, 408, 413, 415, 422, 500, 501];

    private readonly DeliveryLedger _ledger;
    private readonly bool _isHttp;
    private readonly int _port;
    private StubUpstream? _server;
    private int _turn;

    private UnreliableUpstream(DeliveryLedger ledger, StubUpstream server, bool isHttp)
    {
        _ledger = ledger;
        _isHttp = isHttp;
        _port = server.Port;
        Take(server);
    }

    public string Endpoint => $"127.0.0.1:{_port}";

    public Mood Mood { get; private set; }

    /// <param name="isHttp">It speaks OTLP/HTTP over HTTP/1.1, and not OTLP/gRPC.</param>
    public static async Task<UnreliableUpstream> StartAsync(DeliveryLedger ledger, bool isHttp = false) => new(ledger, await StartServerAsync(0, isHttp), isHttp);

    public async Task TurnAsync(Mood mood)
    {
        if (mood == Mood.Killed && _server is { } alive)
        {
            _server = null;
            Mood = mood;
            await alive.DisposeAsync();
        }
        else if (mood != Mood.Killed && _server is null)
        {
            Take(await StartServerAsync(_port, _isHttp));
        }

        Mood = mood;
    }

    /// <summary>Each mood for a while, in an order that the seed decides; well in the end.</summary>
    public async Task LiveAsync(Random random, TimeSpan time, TimeSpan spellMax, params IReadOnlyList<Mood> moods)
    {
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var turn = 0; turn < moods.Count || System.Diagnostics.Stopwatch.GetElapsedTime(started) < time; turn++)
        {
            await TurnAsync(turn < moods.Count ? moods[turn] : moods[random.Next(moods.Count)]);
            await Task.Delay(spellMax * (0.2 + (0.8 * random.NextDouble())));
        }

        await TurnAsync(Mood.Well);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { } server)
        {
            await server.DisposeAsync();
        }
    }

    private static Task<StubUpstream> StartServerAsync(int port, bool isHttp) => StubUpstream.StartAsync(port, protocols: isHttp ? HttpProtocols.Http1 : HttpProtocols.Http2);

    private void Take(StubUpstream server)
    {
        server.Answer = _isHttp ? AnswerHttpAsync : AnswerAsync;
        _server = server;
    }

    private async Task AnswerAsync(HttpContext context, StubCall call)
    {
        var turn = Interlocked.Increment(ref _turn);

        // What a test of minutes would pile up.
        _server?.Calls.Clear();
        switch (Mood)
        {
            case Mood.Stalled:
                // Whoever is stalled stays so until its caller gives up, as a process that hangs does.
                await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
                break;

            case Mood.ResetBefore:
                context.Abort();
                break;

            case Mood.ResetInAnswer:
                _ledger.Arrive(call.Message);
                context.Response.ContentType = "application/grpc";
                await context.Response.Body.WriteAsync(new byte[] { 0, 0, 0 }, context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                context.Abort();
                break;

            case Mood.RefusingForNow:
                await StubUpstream.RefuseAsync(context, ForNow[turn % ForNow.Length], "not now");
                break;

            case Mood.RefusingForGood:
                await StubUpstream.RefuseAsync(context, ForGood[turn % ForGood.Length], "never");
                break;

            case Mood.BehindBrokenProxy:
                context.Response.StatusCode = 502 + (turn % 3);
                await context.Response.WriteAsync("no healthy upstream", context.RequestAborted);
                break;

            case Mood.Killed:
            case Mood.Well:
            default:
                _ledger.Arrive(call.Message);
                await StubUpstream.SucceedAsync(context);
                break;
        }
    }

    private async Task AnswerHttpAsync(HttpContext context, StubCall call)
    {
        var turn = Interlocked.Increment(ref _turn);
        _server?.Calls.Clear();
        switch (Mood)
        {
            case Mood.Stalled:
                await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
                break;

            case Mood.ResetBefore:
                context.Abort();
                break;

            case Mood.ResetInAnswer:
                _ledger.Arrive(call.Decompressed);
                context.Response.ContentType = "application/x-protobuf";
                context.Response.ContentLength = 100;
                await context.Response.Body.WriteAsync(new byte[] { 0x0a, 0, 0 }, context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                context.Abort();
                break;

            case Mood.RefusingForNow:
                await StubUpstream.AnswerHttpAsync(context, HttpForNow[turn % HttpForNow.Length], "text/plain", "not now"u8.ToArray(), turn % 8 < 4 ? [("Retry-After", "0")] : []);
                break;

            case Mood.RefusingForGood:
                await StubUpstream.AnswerHttpAsync(context, HttpForGood[turn % HttpForGood.Length], "text/plain", "never"u8.ToArray());
                break;

            case Mood.BehindBrokenProxy:
                await StubUpstream.AnswerHttpAsync(context, 502 + (turn % 3), "text/html", "<h1>no healthy upstream</h1>"u8.ToArray());
                break;

            case Mood.Killed:
            case Mood.Well:
            default:
                // As Tempo, Prometheus and Loki answer.
                _ledger.Arrive(call.Decompressed);
                await StubUpstream.AnswerHttpAsync(context, turn % 3 == 2 ? 204 : 200, turn % 3 == 0 ? "application/x-protobuf" : null);
                break;
        }
    }
}
