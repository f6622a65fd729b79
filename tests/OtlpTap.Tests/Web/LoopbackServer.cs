using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Tests.Forward;
using OtlpTap.Web;

namespace OtlpTap.Tests.Web;

/// <summary>Endpoints over a real socket, HTTP/1.1, and a client of theirs.</summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    private readonly WebApplication _server;

    /// <param name="port">0: any.</param>
    public LoopbackServer(Action<WebApplication> map, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http1));
        _server = builder.Build();
        _server.Use(next => new Answers(new TapMetrics("test", TimeProvider.System).Api, TimeProvider.System).Over(next));
        map(_server);
    }

    public HttpClient Client { get; } = new();

    public Uri Uri => new(_server.Urls.Single());

    public async Task StartAsync()
    {
        await _server.StartAsync(Deadline.Token());
        Client.BaseAddress = Uri;
    }

    /// <summary>Answers what is under way and takes nothing more.</summary>
    public Task StopAsync() => _server.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.DisposeAsync();
    }
}
