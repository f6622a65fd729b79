using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>Serves one page to browsers, which tells here what came of its script: <c>fetch("/told", { method: "POST", body: JSON.stringify(...) })</c>.</summary>
internal sealed class PageServer : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly TaskCompletionSource<JsonElement> _told = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private PageServer()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1));
        _server = builder.Build();
        _server.MapGet("/", http =>
        {
            http.Response.ContentType = "text/html; charset=utf-8";
            return http.Response.WriteAsync($"<!doctype html><title>Shop</title><script type=\"module\">{Script}</script>");
        });
        _server.MapPost("/told", async http =>
        {
            using var told = await JsonDocument.ParseAsync(http.Request.Body);
            _told.TrySetResult(told.RootElement.Clone());
        });
    }

    /// <summary>Its origin, as browsers send it.</summary>
    public string Origin => _server.Urls.Single();

    /// <summary>What the page runs.</summary>
    public string Script { get; set; } = "";

    /// <summary>What the page told.</summary>
    public Task<JsonElement> Told => _told.Task;

    public static async Task<PageServer> StartAsync()
    {
        var server = new PageServer();
        await server._server.StartAsync(Deadline.Token());
        return server;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
