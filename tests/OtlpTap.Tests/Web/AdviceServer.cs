using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Metrics;
using OtlpTap.Tests.Forward;
using OtlpTap.Web;

namespace OtlpTap.Tests.Web;

/// <summary>The API's endpoints over a real socket, HTTP/1.1, with advice that a test scripts.</summary>
internal sealed class AdviceServer : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly TapMetrics _metrics = new("1.2.3");
    private readonly CancellationTokenSource _stopping = new();

    private AdviceServer(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http1));
        _server = builder.Build();
        _server.Use((http, next) => Gate(http, next));
        _server.MapAdvice(Source, _metrics.Api, Time, _stopping.Token);
        _server.MapMcp(Source, Health, "1.2.3", Time);
    }

    public ScriptedAdvice Source { get; } = new();

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 30, TimeSpan.Zero));

    public HttpClient Client { get; } = new() { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Of the agent planner of the service shop, and of nobody else.</summary>
    private ScriptedHealth Health { get; } = new();

    /// <summary>Stands before all requests.</summary>
    public Func<HttpContext, RequestDelegate, Task> Gate { get; set; } = (http, next) => next(http);

    public Uri Uri => new(_server.Urls.Single());

    public static async Task<AdviceServer> StartAsync(int port = 0)
    {
        var server = new AdviceServer(port);
        await server._server.StartAsync(Deadline.Token());
        server.Client.BaseAddress = server.Uri;
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

    /// <summary>Answers what is under way and takes nothing more.</summary>
    public Task CloseAsync() => _server.StopAsync(CancellationToken.None);

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
        Client.Dispose();
        await _server.DisposeAsync();
    }
}
