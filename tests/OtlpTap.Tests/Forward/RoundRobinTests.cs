using System.Net;
using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Forward;
using OtlpTap.Forward.Http2;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward;

/// <summary>Several hosts behind one name, each on a loopback address of its own.</summary>
public sealed class RoundRobinTests
{
    private static readonly string[] Addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

    [Fact]
    public async Task Calls_take_turns_over_all_addresses_of_the_name()
    {
        await using var hosts = await StubHosts.StartAsync(3);
        var resolver = new TestResolver(Addresses);
        await using var transport = Transport(hosts, resolver);
        await ReadyAsync(transport, 3);

        await SendAsync(transport, 30);

        Assert.All(hosts.Stubs, stub => Assert.Equal(10, stub.Calls.Count(call => Text(call).StartsWith('#'))));
        Assert.All(hosts.Stubs.Skip(1), stub => Assert.Equal(1, stub.Connections));
    }

    [Fact]
    public async Task An_address_where_nobody_listens_costs_no_request()
    {
        await using var hosts = await StubHosts.StartAsync(2);
        var resolver = new TestResolver("127.0.0.3", "127.0.0.2", "127.0.0.1");
        await using var transport = Transport(hosts, resolver);

        await SendAsync(transport, 200);
        await ReadyAsync(transport, 2);
        await SendAsync(transport, 200);

        Assert.All(hosts.Stubs, stub => Assert.NotEmpty(stub.Calls));
    }

    [Fact]
    public async Task A_host_that_goes_down_in_good_order_under_load_fails_no_request_and_gets_calls_again_when_it_is_back()
    {
        await using var hosts = await StubHosts.StartAsync(3);
        var resolver = new TestResolver(Addresses);
        await using var setup = new ForwardSetup(Transport(hosts, resolver), new ForwardOptions { Endpoint = $"several.test:{hosts.Port}", Insecure = true, JoinBytesMax = 0, TimeoutSeconds = 30 });
        using var load = new Load(setup);
        await load.ReachAsync(300);

        await hosts.Stubs[1].StopGracefullyAsync();
        await load.ReachAsync(load.Answered + 500);
        await hosts.RestartAsync(1);
        await Deadline.UntilAsync(() => !hosts.Stubs[1].Calls.IsEmpty, "the host that is back gets calls");
        await load.EndAsync();

        Assert.Empty(load.Failures);
    }

    [Fact]
    public async Task A_host_that_dies_under_load_fails_the_requests_it_had_and_no_other()
    {
        await using var hosts = await StubHosts.StartAsync(3);
        var resolver = new TestResolver(Addresses);
        await using var setup = new ForwardSetup(Transport(hosts, resolver), new ForwardOptions { Endpoint = $"several.test:{hosts.Port}", Insecure = true, JoinBytesMax = 0, TimeoutSeconds = 30 });
        using var load = new Load(setup);
        await load.ReachAsync(300);

        await hosts.Stubs[2].DisposeAsync();
        var failed = load.Failures.Count;
        await load.ReachAsync(load.Answered + 1000);
        await load.EndAsync();

        // They may have been taken, so they are not sent again here: the sender is told that it may.
        Assert.All(load.Failures, reply => Assert.Contains("connection lost", reply.Message, StringComparison.Ordinal));
        Assert.All(load.Failures, reply => Assert.Equal(StatusCode.Unavailable, reply.Status));
        Assert.InRange(load.Failures.Count, 0, Load.Senders);
        Assert.InRange(failed, 0, load.Failures.Count);
    }

    [Fact]
    public async Task Addresses_come_and_go_with_the_name_and_calls_in_flight_on_one_that_has_gone_finish()
    {
        await using var hosts = await StubHosts.StartAsync(3);
        var resolver = new TestResolver("127.0.0.1", "127.0.0.2");
        await using var transport = Transport(hosts, resolver, TimeSpan.FromMilliseconds(50));
        await ReadyAsync(transport, 2);
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        hosts.Stubs[1].Answer = async (context, call) =>
        {
            await answer.Task;
            await StubUpstream.SucceedAsync(context);
        };
        var waiting = new List<Task<UpstreamAnswer>>();
        while (hosts.Stubs[1].Calls.IsEmpty)
        {
            waiting.Add(CallAsync(transport, "in flight"));
            await Task.WhenAny(waiting[^1], Deadline.UntilAsync(() => !hosts.Stubs[1].Calls.IsEmpty, "the call is there"));
        }

        resolver.Answer("127.0.0.1", "127.0.0.3");
        await Deadline.UntilAsync(() => hosts.Stubs[2].Connections == 1 && transport is { ReadyCount: 2 }, "the new address is connected to");
        var asked = resolver.Asked;
        await Deadline.UntilAsync(() => resolver.Asked > asked + 2, "the name was looked at again");
        var before = hosts.Stubs[1].Calls.Count;
        hosts.Stubs[0].Calls.Clear();
        await SendAsync(transport, 20);

        Assert.Equal((10, 10), (hosts.Stubs[0].Calls.Count, hosts.Stubs[2].Calls.Count));
        Assert.Equal(before, hosts.Stubs[1].Calls.Count);
        answer.SetResult();
        Assert.All(await Task.WhenAll(waiting).InTime(), reply => Assert.Equal(UpstreamAnswer.Accepted, reply));
    }

    [Fact]
    public async Task With_all_addresses_dead_a_call_is_told_at_once_and_the_first_that_is_back_gets_the_next()
    {
        await using var hosts = await StubHosts.StartAsync(2);
        var resolver = new TestResolver("127.0.0.1", "127.0.0.2");
        await using var transport = Transport(hosts, resolver);
        await ReadyAsync(transport, 2);
        await hosts.Stubs[0].DisposeAsync();
        await hosts.Stubs[1].DisposeAsync();
        await Deadline.UntilAsync(() => transport.ReadyCount == 0, "both are known to be gone");

        var refused = await CallAsync(transport, "nobody");
        Assert.Equal(UpstreamOutcome.ConnectFailed, refused.Outcome);
        Assert.Matches(@"cannot connect: 127\.0\.0\.[12]: Connection refused", refused.Reply.Message);
        Assert.NotNull(await transport.ProbeAsync(Deadline.Token()));

        await hosts.RestartAsync(1);
        Assert.Equal(UpstreamAnswer.Accepted, await CallAsync(transport, "somebody"));
        Assert.Null(await transport.ProbeAsync(Deadline.Token()));
    }

    [Fact]
    public async Task A_name_that_cannot_be_resolved_any_more_leaves_its_known_addresses_in_use()
    {
        await using var hosts = await StubHosts.StartAsync(2);
        var resolver = new TestResolver("127.0.0.1", "127.0.0.2");
        await using var transport = Transport(hosts, resolver, TimeSpan.FromMilliseconds(20));
        await ReadyAsync(transport, 2);

        resolver.Answer();
        var asked = resolver.Asked;
        await Deadline.UntilAsync(() => resolver.Asked > asked + 2, "the name was asked for again");
        await SendAsync(transport, 20);

        Assert.All(hosts.Stubs, stub => Assert.NotEmpty(stub.Calls));
        Assert.Equal(2, transport.ReadyCount);
    }

    [Fact]
    public async Task A_name_whose_one_address_changes_is_followed()
    {
        await using var hosts = await StubHosts.StartAsync(2);
        var resolver = new TestResolver("127.0.0.1");
        await using var transport = Transport(hosts, resolver);
        Assert.Equal(UpstreamAnswer.Accepted, await CallAsync(transport, "old"));

        resolver.Answer("127.0.0.2");
        await hosts.Stubs[0].DisposeAsync();
        UpstreamAnswer answer;
        do
        {
            answer = await CallAsync(transport, "new");
        }
        while (answer.Outcome == UpstreamOutcome.ConnectionLost);

        Assert.Equal(UpstreamAnswer.Accepted, answer);
        Assert.Equal("new", Text(Assert.Single(hosts.Stubs[1].Calls)));
        Assert.Equal(1, transport.PlaceCount);
    }

    [Theory]
    [InlineData("several.test", false, "127.0.0.1", "::1")]
    [InlineData("several.test", true, "127.0.0.1", "127.0.0.2", "::1")]
    [InlineData("several.test", false, "127.0.0.1")]
    [InlineData("localhost", false, "127.0.0.1", "127.0.0.2")]
    public void One_address_in_each_family_is_one_host(string host, bool several, params string[] addresses) =>
        Assert.Equal(several, SeveralHosts.AreBehind(host, [.. addresses.Select(IPAddress.Parse)]));

    [Theory]
    [InlineData("tempo:4317", true, true)]
    [InlineData("dns:///tempo:4317", true, true)]
    [InlineData("tempo:4317", false, false)]
    [InlineData("127.0.0.1:4317", true, false)]
    [InlineData("[::1]:4317", true, false)]
    [InlineData("localhost:4317", true, false)]
    public async Task Turns_are_taken_where_a_name_may_have_several_addresses_and_pick_first_is_not_asked_for(string text, bool isRoundRobin, bool takesTurns)
    {
        Assert.True(UpstreamEndpoint.TryParse(text, insecure: true, out var endpoint, out _));
        var options = new UpstreamOptions { Endpoint = endpoint, IsRoundRobin = isRoundRobin, Resolve = new TestResolver("127.0.0.1").ResolveAsync };

        await using var transport = Forwarders.Grpc(options, TimeProvider.System, NullLogger<Http2Transport>.Instance);

        Assert.Equal(takesTurns, transport is RoundRobinTransport);
    }

    private static RoundRobinTransport Transport(StubHosts hosts, TestResolver resolver, TimeSpan? interval = null) => new(
        new UpstreamOptions
        {
            Endpoint = new UpstreamEndpoint("several.test", hosts.Port, UseTls: false),
            Resolve = resolver.ResolveAsync,
            ResolveInterval = interval ?? TimeSpan.FromSeconds(30),
            Timeout = TimeSpan.FromSeconds(30),
            ReconnectBackoff = TimeSpan.FromMilliseconds(20),
            ReconnectBackoffMax = TimeSpan.FromMilliseconds(200),
        },
        TimeProvider.System,
        NullLogger<Http2Transport>.Instance);

    private static Task ReadyAsync(RoundRobinTransport transport, int count) =>
        Deadline.UntilAsync(() => transport.ReadyCount == count && transport.PlaceCount > 1, $"{count} addresses are connected to");

    private static async Task SendAsync(RoundRobinTransport transport, int count)
    {
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(UpstreamAnswer.Accepted, await CallAsync(transport, $"#{i}"));
        }
    }

    private static async Task<UpstreamAnswer> CallAsync(RoundRobinTransport transport, string message)
    {
        var payload = new OtlpTap.Buffers.PayloadPool().Rent(message.Length);
        Encoding.ASCII.GetBytes(message, payload.Writable);
        return await transport.CallAsync(Signal.Traces, new UpstreamBody(payload), RequestMetadata.Empty, Deadline.Token());
    }

    private static string Text(StubCall call) => Encoding.ASCII.GetString(call.Message);

    /// <summary>Servers on one port of several addresses.</summary>
    private sealed class StubHosts : IAsyncDisposable
    {
        public List<StubUpstream> Stubs { get; } = [];

        public int Port => Stubs[0].Port;

        public static async Task<StubHosts> StartAsync(int count)
        {
            // The port that is free on the first address may be taken on another by a test beside this one.
            while (true)
            {
                var hosts = new StubHosts();
                try
                {
                    for (var i = 0; i < count; i++)
                    {
                        hosts.Stubs.Add(await StubUpstream.StartAsync(i == 0 ? 0 : hosts.Port, address: IPAddress.Parse(Addresses[i])));
                    }

                    return hosts;
                }
                catch (IOException)
                {
                    await hosts.DisposeAsync();
                }
            }
        }

        public async Task RestartAsync(int index) =>
            Stubs[index] = await StubUpstream.StartAsync(Port, address: IPAddress.Parse(Addresses[index]));

        public async ValueTask DisposeAsync()
        {
            foreach (var stub in Stubs)
            {
                await stub.DisposeAsync();
            }
        }
    }

    /// <summary>A few senders, each with one request after the other.</summary>
    private sealed class Load : IDisposable
    {
        public const int Senders = 8;

        private readonly CancellationTokenSource _stop = new();
        private readonly System.Collections.Concurrent.ConcurrentQueue<ExportReply> _failures = new();
        private readonly Task _senders;
        private int _answered;

        public Load(ForwardSetup setup) => _senders = Task.WhenAll(Enumerable.Range(0, Senders).Select(_ => Task.Run(async () =>
        {
            while (!_stop.IsCancellationRequested)
            {
                var reply = await setup.SendAsync("#load");
                if (reply.Status != StatusCode.OK)
                {
                    _failures.Enqueue(reply);
                }

                Interlocked.Increment(ref _answered);
            }
        })));

        public int Answered => Volatile.Read(ref _answered);

        public System.Collections.Concurrent.ConcurrentQueue<ExportReply> Failures => _failures;

        public Task ReachAsync(int answered) => Deadline.UntilAsync(() => Answered >= answered, $"{answered} requests are answered");

        public async Task EndAsync()
        {
            await _stop.CancelAsync();
            await _senders.InTime();
        }

        public void Dispose()
        {
            _stop.Cancel();
            _stop.Dispose();
        }
    }
}
