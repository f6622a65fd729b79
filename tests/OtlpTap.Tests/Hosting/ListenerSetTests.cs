using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using OtlpTap.Configuration;
using OtlpTap.Hosting;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Hosting;

public sealed class ListenerSetTests : IAsyncLifetime
{
    private readonly RunningListeners _listeners = new();
    private readonly HttpClient _client = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _listeners.DisposeAsync();
    }

    [Theory]
    [InlineData(1, "HTTP/1.1 http")]
    [InlineData(2, "HTTP/2 http")]
    public async Task An_http_listener_speaks_both_versions_in_the_clear(int version, string expected)
    {
        await _listeners.ApplyAsync(RunningListeners.Http());

        Assert.Equal(expected, await _listeners.GetAsync(_client, version: version));
    }

    [Fact]
    public async Task A_listener_is_removed_while_another_serves()
    {
        var stays = RunningListeners.Http("otlp/stays", RunningListeners.Echo("stays"));
        await _listeners.ApplyAsync(stays, RunningListeners.Http("otlp/goes"));
        var gone = _listeners.Http1Of("otlp/goes");
        var connections = 0;
        using var client = Counting(() => connections++);
        Assert.Equal("HTTP/2 http stays", await _listeners.GetAsync(client, "otlp/stays"));

        await _listeners.ApplyAsync(stays);

        Assert.Equal("HTTP/2 http stays", await _listeners.GetAsync(client, "otlp/stays"));
        Assert.Equal(1, connections);
        Assert.Null(_listeners.Set.BoundTo(ListenerName.Http("otlp/goes")));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await Assert.ThrowsAsync<SocketException>(async () => await socket.ConnectAsync(gone, Deadline.Token()));
    }

    [Fact]
    public async Task A_listener_of_the_same_settings_keeps_its_connections_and_gets_the_new_handler()
    {
        await _listeners.ApplyAsync(RunningListeners.Http(handler: RunningListeners.Echo("old")));
        var connections = 0;
        using var client = Counting(() => connections++);
        Assert.Equal("HTTP/2 http old", await _listeners.GetAsync(client));

        await _listeners.ApplyAsync(RunningListeners.Http(handler: RunningListeners.Echo("new")));

        Assert.Equal("HTTP/2 http new", await _listeners.GetAsync(client));
        Assert.Equal(1, connections);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_changed_listener_takes_over_the_port_and_the_old_one_answers_what_it_has(int version)
    {
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await _listeners.ApplyAsync(RunningListeners.Http(handler: async http =>
        {
            entered.SetResult();
            await release.Task;
            await http.Response.WriteAsync("old");
        }));
        var endpoint = _listeners.Http1Of();
        var inFlight = _listeners.GetAsync(_client, version: version);
        await entered.Task.InTime();

        var gone = await _listeners.ApplyAsync(RunningListeners.Http(handler: RunningListeners.Echo("new"), options: new HttpReceiverOptions { Endpoint = RunningListeners.AnyPort, MaxConcurrentStreams = 7 }));

        Assert.Equal(endpoint, _listeners.Http1Of());
        using var other = new HttpClient();
        Assert.Equal($"HTTP/{(version == 2 ? "2" : "1.1")} http new", await _listeners.GetAsync(other, version: version));
        release.SetResult();
        Assert.Equal("old", await inFlight);

        // By the old connection or by a new one: the handler is the new one.
        Assert.EndsWith("new", await _listeners.GetAsync(_client, version: version), StringComparison.Ordinal);
        await gone.InTime();
        Assert.EndsWith("new", await _listeners.GetAsync(_client, version: version), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_is_refused_while_a_listener_is_replaced_again_and_again()
    {
        await _listeners.ApplyAsync(RunningListeners.Http());
        using var stop = new CancellationTokenSource();
        var calls = Enumerable.Range(0, 4).Select(async caller =>
        {
            var answered = 0;
            while (!stop.IsCancellationRequested)
            {
                // Each with a connection of its own, so that every moment of the change is met.
                using var client = new HttpClient();
                Assert.StartsWith("HTTP/", await _listeners.GetAsync(client, version: 1 + (caller % 2)), StringComparison.Ordinal);
                answered++;
            }

            return answered;
        }).ToList();

        for (var streams = 1; streams <= 20; streams++)
        {
            await _listeners.ApplyAsync(RunningListeners.Http(options: new HttpReceiverOptions { Endpoint = RunningListeners.AnyPort, MaxConcurrentStreams = streams }));
        }

        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(calls).InTime(), answered => Assert.True(answered > 0));
    }

    [Fact]
    public async Task A_set_with_a_port_that_is_taken_changes_nothing_and_says_which()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await _listeners.ApplyAsync(RunningListeners.Http(handler: RunningListeners.Echo("old")));

        var refused = await Assert.ThrowsAsync<ListenException>(() => _listeners.ApplyAsync(
            RunningListeners.Http("otlp/new"),
            RunningListeners.Http(handler: RunningListeners.Echo("new")),
            RunningListeners.Http("otlp/taken", options: new HttpReceiverOptions { Endpoint = new ListenAddress("127.0.0.1", port) })));

        Assert.Equal($"cannot listen on 127.0.0.1:{port}: Address already in use", refused.Message);
        Assert.Equal("HTTP/2 http old", await _listeners.GetAsync(_client));
        Assert.Null(_listeners.Set.BoundTo(ListenerName.Http("otlp/new")));
    }

    [Fact]
    public async Task Every_address_in_place_of_one_of_them_takes_over_the_port()
    {
        await _listeners.ApplyAsync(RunningListeners.Http(handler: RunningListeners.Echo("loopback")));
        var port = _listeners.Http1Of().Port;
        Assert.Equal("HTTP/2 http loopback", await _listeners.GetAsync(_client));

        await _listeners.ApplyAsync(RunningListeners.Http(handler: RunningListeners.Echo("every"), options: new HttpReceiverOptions { Endpoint = new ListenAddress("0.0.0.0", port) }));

        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        Assert.Equal("HTTP/1.1 http every", await client.GetStringAsync(new Uri("/", UriKind.Relative), Deadline.Token()));
    }

    [Fact]
    public async Task An_address_that_cannot_be_taken_over_leaves_the_old_one_open()
    {
        await _listeners.ApplyAsync(RunningListeners.Http(handler: RunningListeners.Echo("old")));
        var port = _listeners.Http1Of().Port;

        // 203.0.113.0/24 is for documentation (RFC 5737): no machine has it. The old socket is closed for it first.
        var refused = await Assert.ThrowsAsync<ListenException>(() => _listeners.ApplyAsync(
            RunningListeners.Http(options: new HttpReceiverOptions { Endpoint = new ListenAddress("203.0.113.1", port) })));

        Assert.StartsWith($"cannot listen on 203.0.113.1:{port}: ", refused.Message, StringComparison.Ordinal);
        Assert.Equal("HTTP/2 http old", await _listeners.GetAsync(_client));
    }

    [Fact]
    public async Task What_a_handler_needs_is_disposed_of_when_the_handler_is()
    {
        using var first = new Disposal();
        using var second = new Disposal();
        using var refused = new Disposal();
        await _listeners.ApplyAsync(RunningListeners.Http() with { Owned = first });
        await _listeners.ApplyAsync(RunningListeners.Http() with { Owned = second });
        Assert.Equal((true, false), (first.IsDisposed, second.IsDisposed));

        await Assert.ThrowsAsync<ListenException>(() => _listeners.ApplyAsync(
            RunningListeners.Http("otlp/new", options: new HttpReceiverOptions { Endpoint = new ListenAddress("203.0.113.1", 1) }) with { Owned = refused }));
        Assert.Equal((false, true), (second.IsDisposed, refused.IsDisposed));

        await _listeners.Set.StopAsync(Deadline.Token());
        Assert.True(second.IsDisposed);
    }

    [Fact]
    public async Task Connections_beyond_the_bound_are_closed_and_counted_and_the_admin_port_still_answers()
    {
        var admin = new ListenerPlan(ListenerSettings.Of(ListenerName.Admin, RunningListeners.AnyPort, tls: null), RunningListeners.Echo("admin"));
        await _listeners.ApplyAsync(RunningListeners.Http(), admin);
        var endpoint = (IPEndPoint)_listeners.Set.BoundTo(ListenerName.Admin)!;
        var connections = new List<Socket>();
        try
        {
            for (var i = 0; i < ListenerSet.OwnConnectionsMax; i++)
            {
                connections.Add(await ConnectAsync(endpoint, from: i % 2 == 0 ? "127.0.0.2" : "127.0.0.3"));
            }

            await Deadline.UntilAsync(() => _listeners.Metric("otlptap_connections", "admin") == ListenerSet.OwnConnectionsMax, "all connections are open");
            Assert.True(await IsClosedAsync(endpoint));
            Assert.Equal(1, _listeners.Metric("otlptap_refused_connections_total", "admin"));

            // The agents' connections are bounded apart from those.
            Assert.Equal("HTTP/2 http", await _listeners.GetAsync(_client));
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }

        await Deadline.UntilAsync(() => _listeners.Metric("otlptap_connections", "admin") == 0, "all connections are closed");
        Assert.Equal("HTTP/1.1 http admin", await _client.GetStringAsync(new Uri($"http://{endpoint}/"), Deadline.Token()));
    }

    [Fact]
    public async Task One_address_has_half_of_the_admin_ports_connections_and_gets_them_back()
    {
        await _listeners.ApplyAsync(new ListenerPlan(ListenerSettings.Of(ListenerName.Admin, RunningListeners.AnyPort, tls: null), RunningListeners.Echo("admin")));
        var endpoint = (IPEndPoint)_listeners.Set.BoundTo(ListenerName.Admin)!;
        for (var round = 0; round < 2; round++)
        {
            var connections = new List<Socket>();
            try
            {
                for (var i = 0; i < ListenerSet.OwnConnectionsOfClientMax; i++)
                {
                    connections.Add(await ConnectAsync(endpoint, from: "127.0.0.2"));
                }

                await Deadline.UntilAsync(() => _listeners.Metric("otlptap_connections", "admin") == ListenerSet.OwnConnectionsOfClientMax, "its connections are open");
                Assert.True(await IsClosedAsync(endpoint, from: "127.0.0.2"));
                Assert.Equal(round + 1, _listeners.Metric("otlptap_refused_connections_total", "admin"));
                using var client = new HttpClient();
                Assert.Equal("HTTP/1.1 http admin", await client.GetStringAsync(new Uri($"http://{endpoint}/"), Deadline.Token()));
            }
            finally
            {
                connections.ForEach(connection => connection.Dispose());
            }

            await Deadline.UntilAsync(() => _listeners.Metric("otlptap_connections", "admin") == 0, "all connections are closed");
        }
    }

    [Fact]
    public async Task A_host_name_opens_all_its_addresses_on_one_port()
    {
        await _listeners.ApplyAsync(RunningListeners.Http(options: new HttpReceiverOptions { Endpoint = new ListenAddress("localhost", 0) }));
        var port = _listeners.Http1Of().Port;

        foreach (var address in await Dns.GetHostAddressesAsync("localhost", Deadline.Token()))
        {
            Assert.Equal("HTTP/1.1 http", await _client.GetStringAsync(new Uri($"http://{new IPEndPoint(address, port)}/"), Deadline.Token()));
        }
    }

    [Fact]
    public async Task An_unknown_host_name_is_told()
    {
        var refused = await Assert.ThrowsAsync<ListenException>(() => _listeners.ApplyAsync(
            RunningListeners.Http(options: new HttpReceiverOptions { Endpoint = new ListenAddress("nowhere.invalid", 4318) })));

        Assert.StartsWith("cannot listen on nowhere.invalid:4318: ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopping_cuts_off_at_the_deadline_what_does_not_end()
    {
        var entered = new TaskCompletionSource();
        var aborted = new TaskCompletionSource();
        await _listeners.ApplyAsync(RunningListeners.Http(handler: async http =>
        {
            http.RequestAborted.Register(aborted.SetResult);
            entered.SetResult();
            await aborted.Task;
        }));
        var hanging = _listeners.GetAsync(_client);
        await entered.Task.InTime();

        await _listeners.Set.StopAsync(new CancellationToken(canceled: true)).InTime();

        await aborted.Task.InTime();
        await Assert.ThrowsAsync<HttpRequestException>(() => hanging);
    }

    private static HttpClient Counting(Action connected) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellation) =>
        {
            connected();
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    /// <param name="from">Another address of this machine, for another client.</param>
    private static async Task<Socket> ConnectAsync(IPEndPoint endpoint, string from = "127.0.0.1")
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(endpoint, Deadline.Token());
        return socket;
    }

    /// <summary>At once, whether before the connection is made, by a reset or in order.</summary>
    private static async Task<bool> IsClosedAsync(IPEndPoint endpoint, string from = "127.0.0.1")
    {
        try
        {
            using var socket = await ConnectAsync(endpoint, from);
            return await socket.ReceiveAsync(new byte[1], Deadline.Token()) == 0;
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    private sealed class Disposal : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
