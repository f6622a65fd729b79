using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Health;
using OtlpTap.Metrics;
using OtlpTap.Tests.Advice;
using OtlpTap.Tests.Forward;
using OtlpTap.Web;

namespace OtlpTap.Tests.Web;

/// <summary>The API's endpoints over a real socket, HTTP/1.1, with advice that a test scripts.</summary>
internal sealed class AdviceServer : IAsyncDisposable
{
    private readonly LoopbackServer _server;
    private readonly TapMetrics _metrics = new("1.2.3", TimeProvider.System);
    private readonly CancellationTokenSource _stopping = new();

    private AdviceServer(int port)
    {
        foreach (var scope in new HealthScope[] { HealthScope.OfService("shop"), HealthScope.OfAgent("shop", "planner"), new("shop", "planner", "search", "") })
        {
            Health.Set(scope, ("tool.calls_1m", 10));
        }

        _server = new LoopbackServer(
            server =>
            {
                server.Use(next => new Answers(_metrics.Api, Time).Over(next));
                server.Use((http, next) => Gate(http, next));
                server.MapAdvice(Source, _metrics.Api, Time, _stopping.Token);
                server.MapMcp(Source, Health, "1.2.3", Time);
            },
            port);
        Client.Timeout = Timeout.InfiniteTimeSpan;
    }

    public ScriptedAdvice Source { get; } = new();

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 30, TimeSpan.Zero));

    public HttpClient Client => _server.Client;

    /// <summary>Of the agent planner of the service shop, and of nobody else.</summary>
    private ScriptedHealth Health { get; } = new();

    /// <summary>Stands before all requests.</summary>
    public Func<HttpContext, RequestDelegate, Task> Gate { get; set; } = (http, next) => next(http);

    public Uri Uri => _server.Uri;

    public static async Task<AdviceServer> StartAsync(int port = 0)
    {
        var server = new AdviceServer(port);
        await server._server.StartAsync();
        return server;
    }

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Deadline.Token());
    }

    /// <summary>Comes by this address of this machine's.</summary>
    public HttpClient ClientFrom(string address) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            await socket.ConnectAsync(IPAddress.Loopback, Uri.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    }) { BaseAddress = Uri, Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Answers what is under way and takes nothing more.</summary>
    public Task CloseAsync() => _server.StopAsync();

    public Task GoDownAsync() => _stopping.CancelAsync();

    public async Task<double> MetricAsync(string name)
    {
        using var text = new MemoryStream();
        await _metrics.WriteAsync(text, Deadline.Token());
        var line = System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n').Single(line => line.StartsWith(name + " ", StringComparison.Ordinal));
        return double.Parse(line[(name.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _server.DisposeAsync();
    }
}
