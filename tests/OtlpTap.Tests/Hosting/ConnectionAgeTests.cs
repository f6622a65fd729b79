using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Hosting;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Hosting;

public sealed class ConnectionAgeTests : IAsyncLifetime
{
    private static readonly TimeSpan Age = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private const int Changes = 20;

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly RunningListeners _listeners;
    private int _connections;

    public ConnectionAgeTests()
    {
        _listeners = new RunningListeners(_time);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _listeners.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_client_that_keeps_calling_changes_its_connection_and_no_call_is_lost(int version)
    {
        await ListenAsync(RunningListeners.Echo());
        using var client = Client();
        using var stop = new CancellationTokenSource();
        var answered = new int[3];
        var goneAway = new int[answered.Length];
        var calls = Enumerable.Range(0, answered.Length).Select(async caller =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    Assert.StartsWith("HTTP/", await _listeners.GetAsync(client, version: version), StringComparison.Ordinal);
                    Interlocked.Increment(ref answered[caller]);
                }
                catch (HttpRequestException exception) when (IsGoneAway(exception) && ++goneAway[caller] <= Changes)
                {
                    // On its way when the connection closed: the last GOAWAY tells the client that it was not taken, and
                    // that it may come again. SocketsHttpHandler leaves that to its caller when it is about to send. Each
                    // change can meet each caller with one call on its way.
                }
            }
        }).ToList();

        for (var times = 0; times < Changes; times++)
        {
            // No connection is being made at this moment: in a time that is real none gets old while it shakes hands.
            var before = answered.ToArray();
            await UntilAsync(() => Enumerable.Range(0, answered.Length).All(caller => answered[caller] > before[caller] + 3), "all callers are at it");
            var made = Volatile.Read(ref _connections);
            _time.Advance(Age * 1.1);
            await UntilAsync(() => Volatile.Read(ref _connections) > made, "the client connects again");
        }

        await stop.CancelAsync();
        await Task.WhenAll(calls).InTime();

        async Task UntilAsync(Func<bool> holds, string what)
        {
            await Deadline.UntilAsync(() => holds() || calls.Exists(call => call.IsCompleted), what);
            await Task.WhenAll(calls.Where(call => call.IsFaulted));
        }
    }

    [Fact]
    public async Task A_connection_lives_for_its_age_give_or_take_a_tenth()
    {
        await ListenAsync(RunningListeners.Echo());
        using var client = Client();
        await _listeners.GetAsync(client);

        _time.Advance(Age * 0.89);
        await _listeners.GetAsync(client);
        Assert.Equal(1, _connections);

        _time.Advance(Age * 0.22);
        Assert.Equal(1, _listeners.Metric("otlptap_connections", "otlp http"));

        // It has no request: that it gets one is waited for.
        _time.Advance(TimeSpan.FromSeconds(6));
        await Deadline.UntilAsync(() => _listeners.Metric("otlptap_connections", "otlp http") == 0, "the connection is closed");
        await OverAnotherAsync(client);
        Assert.Equal(2, _connections);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_request_that_is_under_way_is_answered_and_one_that_outlasts_the_grace_is_cut_off(int version)
    {
        var entered = new SemaphoreSlim(0);
        var release = new TaskCompletionSource();
        var aborted = new TaskCompletionSource();
        await ListenAsync(async http =>
        {
            http.RequestAborted.Register(() => aborted.TrySetResult());
            entered.Release();
            await release.Task.WaitAsync(http.RequestAborted);
            await http.Response.WriteAsync("answered");
        });
        using var client = Client();
        var first = _listeners.GetAsync(client, version: version);
        await entered.WaitAsync(Deadline.Token());
        _time.Advance(Age * 1.1);
        release.SetResult();
        Assert.Equal("answered", await first);
        await Deadline.UntilAsync(() => _listeners.Metric("otlptap_connections", "otlp http") == 0, "the connection is closed");
        Assert.False(aborted.Task.IsCompleted);

        // Another client: the first one may not have read yet that its connection is gone, and would ask over that.
        release = new TaskCompletionSource();
        using var another = Client();
        var second = _listeners.GetAsync(another, version: version);
        await entered.WaitAsync(Deadline.Token());
        _time.Advance(Age * 1.1);
        Assert.False(aborted.Task.IsCompleted);
        _time.Advance(Grace);
        await aborted.Task.InTime();
        await Assert.ThrowsAsync<HttpRequestException>(() => second);
    }

    /// <summary>The listener has closed the connection; the client may not have read so yet, and is told when it asks over it, at times more than once.</summary>
    private Task OverAnotherAsync(HttpClient client) => Deadline.UntilAsync(
        async () =>
        {
            try
            {
                await _listeners.GetAsync(client);
                return true;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        },
        "it is answered over another connection");

    private static bool IsGoneAway(HttpRequestException exception) =>
        exception.InnerException is HttpProtocolException { ErrorCode: 0 };

    private Task<Task> ListenAsync(RequestDelegate handler)
    {
        var plan = RunningListeners.Http(handler: handler);
        return _listeners.ApplyAsync(plan with { Settings = plan.Settings with { HeaderTimeout = TimeSpan.FromDays(1), MaxConnectionAge = Age, MaxConnectionAgeGrace = Grace } });
    }

    private HttpClient Client() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellation) =>
        {
            Interlocked.Increment(ref _connections);
            var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
        },
    });
}
