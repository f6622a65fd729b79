using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Configuration;
using OtlpTap.Hosting;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Hosting;

public sealed class HttpAtGrpcPortTests : IAsyncLifetime
{
    private static readonly ListenerName Name = ListenerName.Grpc("otlp");

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly RunningListeners _listeners;

    public HttpAtGrpcPortTests() => _listeners = new RunningListeners(_time);

    public async ValueTask InitializeAsync() =>
        await _listeners.ApplyAsync(new ListenerPlan(ListenerSettings.Of(Name, new GrpcReceiverOptions { Endpoint = RunningListeners.AnyPort }), RunningListeners.Echo()), RunningListeners.Http());

    public ValueTask DisposeAsync() => _listeners.DisposeAsync();

    [Fact]
    public async Task The_log_names_the_sender_and_the_right_port_once_in_a_while()
    {
        var first = await SayAsync("POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        await SayAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await SayAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

        var line = Assert.Single(_listeners.Log.Messages);
        Assert.Equal($"Warning: otlp grpc: {first.From} sends HTTP/1.1, and this port takes gRPC alone: OTLP/HTTP is on {_listeners.Http1Of()}", line);
        Assert.EndsWith($"\r\n\r\nthis is the OTLP/gRPC port, which takes no HTTP/1.1: OTLP/HTTP is on {_listeners.Http1Of()}\n", first.Answer, StringComparison.Ordinal);

        _time.Advance(HttpAtGrpcPort.LogInterval);
        var later = await SayAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal("Warning: 2 further lines like these were left out", _listeners.Log.Messages[1]);
        Assert.Contains($" {later.From} sends", _listeners.Log.Messages[2], StringComparison.Ordinal);
        Assert.Equal(4, _listeners.Metric("otlptap_wrong_protocol_connections_total", "otlp grpc"));
    }

    [Fact]
    public async Task What_is_no_HTTP_is_not_taken_for_it()
    {
        await SayAsync("\0\0\0");

        Assert.Empty(_listeners.Log.Messages);
    }

    [Fact]
    public async Task HTTP_2_is_served()
    {
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        Assert.Equal("HTTP/2 http", await client.GetStringAsync(new Uri($"http://{_listeners.Set.BoundTo(Name)}/"), Deadline.Token()));
        Assert.Empty(_listeners.Log.Messages);
    }

    private async Task<(EndPoint From, string Answer)> SayAsync(string text)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_listeners.Set.BoundTo(Name)!, Deadline.Token());
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(text), Deadline.Token());
        var from = socket.LocalEndPoint!;
        socket.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream);
        return (from, await reader.ReadToEndAsync(Deadline.Token()));
    }
}
