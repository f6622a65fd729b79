using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Receive;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Receive;

public sealed class PriorKnowledgeTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task One_port_in_the_clear_serves_both_versions(int major)
    {
        await using var server = await StartAsync();
        using var client = new HttpClient();
        for (var i = 0; i < 3; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, UriOf(server)) { Version = new Version(major, major == 1 ? 1 : 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal($"HTTP/{(major == 1 ? "1.1" : "2")} http", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task The_preface_may_come_byte_by_byte()
    {
        await using var server = await StartAsync();
        await using var stream = await ConnectAsync(server);

        // With an empty SETTINGS frame, which the server answers with its own: length 3 bytes, type 4.
        foreach (var single in (byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0])
        {
            await stream.WriteAsync(new[] { single }, TestContext.Current.CancellationToken);
        }

        var frame = new byte[9];
        await stream.ReadExactlyAsync(frame, Deadline.Token());
        Assert.Equal(4, frame[3]);
    }

    [Theory]
    [InlineData("PRI / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200")]
    [InlineData("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200")]
    [InlineData("\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200")]
    [InlineData("PRI * nonsense\r\n\r\n", "HTTP/1.1 505")]
    public async Task What_only_begins_like_the_preface_is_HTTP_1(string request, string expected)
    {
        await using var server = await StartAsync();
        await using var stream = await ConnectAsync(server);

        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);

        var start = new byte[expected.Length];
        await stream.ReadExactlyAsync(start, Deadline.Token());
        Assert.Equal(expected, Encoding.ASCII.GetString(start));
    }

    [Theory]
    [InlineData("")]
    [InlineData("PRI")]
    public async Task A_connection_that_goes_silent_is_closed(string begun)
    {
        await using var server = await StartAsync();
        await using var stream = await ConnectAsync(server);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(begun), TestContext.Current.CancellationToken);

        var closed = ReadAsync(stream);
        await Deadline.UntilAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(30));
                return closed.IsCompleted;
            },
            "the connection is closed");

        Assert.Equal(0, await closed);
    }

    [Fact]
    public async Task A_server_that_stops_does_not_wait_for_a_connection_that_says_nothing()
    {
        await using var server = await StartAsync();
        await using var stream = await ConnectAsync(server);
        await stream.WriteAsync("PRI"u8.ToArray(), TestContext.Current.CancellationToken);

        await server.StopAsync(TestContext.Current.CancellationToken).InTime();

        Assert.Equal(0, await ReadAsync(stream));
    }

    private async Task<WebApplication> StartAsync()
    {
        var knowledge = new PriorKnowledge(TimeSpan.FromSeconds(20), _time);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            knowledge.Open(kestrel);
            kestrel.Listen(IPAddress.Loopback, 0, knowledge.Use);
        });
        builder.Services.AddSingleton<IConnectionListenerFactory>(knowledge);
        var server = builder.Build();
        server.Run(http => http.Response.WriteAsync($"{http.Request.Protocol} {http.Request.Scheme}"));
        await server.StartAsync();
        return server;
    }

    /// <summary>0 for a connection that was closed, or reset, which it is with something unread.</summary>
    private static async Task<int> ReadAsync(NetworkStream stream)
    {
        try
        {
            return await stream.ReadAsync(new byte[1], Deadline.Token());
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static Uri UriOf(WebApplication server) =>
        new(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Last());

    private static async Task<NetworkStream> ConnectAsync(WebApplication server)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, UriOf(server).Port);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
