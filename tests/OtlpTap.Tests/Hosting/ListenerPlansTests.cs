using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Buffers;
using OtlpTap.Configuration;
using OtlpTap.Hosting;
using OtlpTap.Receive;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Hosting;

public sealed class ListenerPlansTests : IAsyncLifetime
{
    private readonly RunningListeners _listeners = new();
    private readonly HttpClient _client = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _listeners.DisposeAsync();
    }

    [Fact]
    public async Task Grpc_and_http_of_one_endpoint_share_it()
    {
        var endpoint = new ListenAddress("127.0.0.1", FreePort());
        var receiver = new ReceiverOptions("otlp", new GrpcReceiverOptions { Endpoint = endpoint }, new HttpReceiverOptions { Endpoint = endpoint });
        var plans = _listeners.Plans().Receiver(receiver, _ => RunningListeners.Echo("grpc"), _ => RunningListeners.Echo("http"));

        await _listeners.ApplyAsync([.. plans.All]);

        Assert.Single(plans.All);
        Assert.Equal(_listeners.Set.BoundTo(ListenerName.Http("otlp")), _listeners.Set.BoundTo(ListenerName.Grpc("otlp")));
        Assert.Equal("HTTP/2 http grpc", await PostAsync("application/grpc"));
        Assert.Equal("HTTP/2 http http", await PostAsync("application/x-protobuf"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Without_keep_alives_each_request_is_its_connections_last(int version)
    {
        var receiver = new ReceiverOptions("otlp", null, new HttpReceiverOptions { Endpoint = RunningListeners.AnyPort, KeepAlivesEnabled = false });
        var ids = new List<string>();
        await _listeners.ApplyAsync([.. _listeners.Plans().Receiver(receiver, null, _ => http =>
        {
            ids.Add(http.Connection.Id);
            return http.Response.WriteAsync("answered");
        }).All]);

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("answered", await _listeners.GetAsync(_client, version: version));
            await Deadline.UntilAsync(() => _listeners.Metric("otlptap_connections", "otlp http") == 0, "the connection is closed");
        }

        Assert.Equal(3, ids.Distinct().Count());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_stands_before_http_sees_strangers_too(bool isShared)
    {
        var token = new BearerTokenOptions("bearertokenauth") { Tokens = ["sesame"] };
        var endpoint = new ListenAddress("127.0.0.1", FreePort());
        var receiver = new ReceiverOptions("otlp", isShared ? new GrpcReceiverOptions { Endpoint = endpoint } : null, new HttpReceiverOptions { Endpoint = endpoint, Authenticator = token });
        var credentialHeaders = new List<string?>();
        RequestDelegate Handler(string? header)
        {
            credentialHeaders.Add(header);
            return RunningListeners.Echo("handler");
        }

        await _listeners.ApplyAsync([.. _listeners.Plans().Receiver(receiver, isShared ? Handler : null, Handler, next => http => HttpMethods.IsOptions(http.Request.Method) ? http.Response.WriteAsync("front") : next(http)).All]);

        using var preflight = new HttpRequestMessage(HttpMethod.Options, $"http://{endpoint}/v1/traces");
        using var asked = await _client.SendAsync(preflight, Deadline.Token());
        Assert.Equal("front", await asked.Content.ReadAsStringAsync(Deadline.Token()));
        using var refused = await _client.GetAsync(new Uri($"http://{endpoint}/"), Deadline.Token());
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "sesame");
        Assert.Equal("HTTP/2 http handler", await _listeners.GetAsync(_client));
        Assert.All(credentialHeaders, header => Assert.Equal("authorization", header));
    }

    [Fact]
    public async Task Tokens_that_cannot_be_read_refuse_the_set_and_name_the_listener()
    {
        var receiver = new ReceiverOptions("otlp/agents", null, new HttpReceiverOptions { Authenticator = new BearerTokenOptions("bearertokenauth") { TokenFile = "nowhere.txt" } });

        var refused = Assert.Throws<ListenException>(() => _listeners.Plans().Receiver(receiver, null, _ => RunningListeners.Echo()));

        Assert.StartsWith("cannot let anyone in on 127.0.0.1:4318 (otlp/agents http): extensions.bearertokenauth.filename `nowhere.txt` cannot be read: ", refused.Message, StringComparison.Ordinal);
        await _listeners.ApplyAsync();
    }

    [Fact]
    public async Task Connections_get_their_memory_in_blocks_of_64_KiB()
    {
        await using var server = new Server(new ExportMethodProvider(new ExportMarshaller(new PayloadPool())), NullLoggerFactory.Instance, TimeProvider.System);
        Assert.IsType<BlockPoolFactory>(server.Services.GetRequiredService<IMemoryPoolFactory<byte>>());

        var port = await Port.OpenAsync(server.Sockets, RunningListeners.AnyPort, new ConnectionSlots(1, 1), () => { }, Deadline.Token());
        await using (port)
        {
            using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(port.Bound, Deadline.Token());
            var connection = await port.Accepted.ReadAsync(Deadline.Token());
            Assert.Equal(BlockPoolFactory.BlockBytes, connection.Features.Get<Microsoft.AspNetCore.Connections.Features.IMemoryPoolFeature>()!.MemoryPool.MaxBufferSize);
            await port.DropAsync(connection);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<string> PostAsync(string type)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{_listeners.Http1Of()}/")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent([]) { Headers = { ContentType = new MediaTypeHeaderValue(type) } },
        };
        using var response = await _client.SendAsync(request, Deadline.Token());
        return await response.Content.ReadAsStringAsync(Deadline.Token());
    }
}
