using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Forward.Http2;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Http2;

/// <summary>The transport against a server that others wrote.</summary>
public sealed class KestrelTests
{
    private static CancellationToken Cancellation => Deadline.Token();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_accepted_request_arrives_byte_for_byte_and_costs_the_shared_answer(bool useTls)
    {
        byte[]? received = null;
        string? path = null;
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        await using var upstream = await KestrelUpstream.StartAsync(
            async context =>
            {
                path = context.Request.Path;
                foreach (var (name, value) in context.Request.Headers)
                {
                    headers[name] = value.ToString();
                }

                received = await KestrelUpstream.ReadMessageAsync(context);
                await KestrelUpstream.AnswerAsync(context, []);
            },
            useTls);
        await using var transport = Transport(upstream, new UpstreamOptions { Endpoint = upstream.Endpoint, Headers = [("x-scope-orgid", "pinned"), ("x-zone", "eu")] });
        var metadata = new RequestMetadata([("authorization", "Bearer secret"), ("x-scope-orgid", "tenant-7")]);

        var answer = await transport.CallAsync(Signal.Logs, TestBodies.Body(1000), metadata, Cancellation);

        Assert.Equal(UpstreamAnswer.Accepted, answer);
        Assert.Equal(TestBodies.Bytes(1000), received);
        Assert.Equal("/opentelemetry.proto.collector.logs.v1.LogsService/Export", path);
        Assert.Equal("application/grpc", headers["Content-Type"]);
        Assert.Equal("trailers", headers["TE"]);
        Assert.Equal("5000m", headers["grpc-timeout"]);
        Assert.StartsWith("OtlpTap/", headers["User-Agent"], StringComparison.Ordinal);
        Assert.Equal("Bearer secret", headers["Authorization"]);
        Assert.Equal("pinned", headers["x-scope-orgid"]);
        Assert.Equal("eu", headers["x-zone"]);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, 16_379)]
    [InlineData(false, 16_380)]
    [InlineData(false, 5_000_000)]
    [InlineData(true, 0)]
    [InlineData(true, 16_380)]
    [InlineData(true, 5_000_000)]
    public async Task Bodies_of_all_sizes_arrive_whole(bool useTls, int length)
    {
        byte[]? received = null;
        await using var upstream = await KestrelUpstream.StartAsync(
            async context =>
            {
                received = await KestrelUpstream.ReadMessageAsync(context);
                await KestrelUpstream.AnswerAsync(context, []);
            },
            useTls);
        await using var transport = Transport(upstream);

        var answer = await transport.CallAsync(Signal.Traces, TestBodies.Body(length), RequestMetadata.Empty, Cancellation);

        Assert.Equal(StatusCode.OK, answer.Reply.Status);
        Assert.True(TestBodies.Bytes(length).AsSpan().SequenceEqual(received));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Joined_payloads_arrive_as_one_message(bool useTls)
    {
        byte[]? received = null;
        await using var upstream = await KestrelUpstream.StartAsync(
            async context =>
            {
                received = await KestrelUpstream.ReadMessageAsync(context);
                await KestrelUpstream.AnswerAsync(context, []);
            },
            useTls);
        await using var transport = Transport(upstream);
        int[] lengths = [500, 0, 20_000, 1, 100_000, 4096, 4097];
        var joined = lengths.Select((length, i) => TestBodies.Payload(length, i)).ToArray();

        var answer = await transport.CallAsync(Signal.Traces, new UpstreamBody(joined), RequestMetadata.Empty, Cancellation);

        Assert.Equal(StatusCode.OK, answer.Reply.Status);
        Assert.Equal(joined.SelectMany(payload => payload.Span.ToArray()), received);
    }

    [Fact]
    public async Task Status_message_details_and_trailers_come_back_as_they_are()
    {
        await using var upstream = await KestrelUpstream.StartAsync(async context =>
        {
            await KestrelUpstream.ReadMessageAsync(context);
            await KestrelUpstream.AnswerAsync(context, [], 8, "zu viel: 100%25 gr%C3%B6%C3%9Fer", ("grpc-status-details-bin", "CAgSBHNsb3c"), ("x-note", "later"));
        });
        await using var transport = Transport(upstream);

        var answer = await transport.CallAsync(Signal.Traces, TestBodies.Body(10), RequestMetadata.Empty, Cancellation);

        Assert.Equal(UpstreamOutcome.Answered, answer.Outcome);
        Assert.Equal(StatusCode.ResourceExhausted, answer.Reply.Status);
        Assert.Equal("zu viel: 100% größer", answer.Reply.Message);
        Assert.Equal([new ReplyTrailer("grpc-status-details-bin", "CAgSBHNsb3c"), new ReplyTrailer("x-note", "later")], answer.Reply.Trailers.ToArray());
    }

    [Theory]
    [InlineData(20)]
    [InlineData(300_000)]
    [InlineData(4 << 20)]
    public async Task A_partial_success_comes_back_as_it_is(int length)
    {
        await using var upstream = await KestrelUpstream.StartAsync(async context =>
        {
            await KestrelUpstream.ReadMessageAsync(context);
            await KestrelUpstream.AnswerAsync(context, TestBodies.Bytes(length, 3));
        });
        await using var transport = Transport(upstream);

        for (var round = 0; round < 5; round++)
        {
            var answer = await transport.CallAsync(Signal.Traces, TestBodies.Body(10), RequestMetadata.Empty, Cancellation);

            Assert.Equal(StatusCode.OK, answer.Reply.Status);
            Assert.True(TestBodies.Bytes(length, 3).AsSpan().SequenceEqual(answer.Reply.Body.Span));
        }
    }

    [Fact]
    public async Task An_answer_beyond_the_limit_is_refused_and_the_connection_goes_on()
    {
        var length = (4 << 20) + 1;
        await using var upstream = await KestrelUpstream.StartAsync(async context =>
        {
            await KestrelUpstream.ReadMessageAsync(context);
            await KestrelUpstream.AnswerAsync(context, TestBodies.Bytes(length));
        });
        await using var transport = Transport(upstream);

        var refused = await transport.CallAsync(Signal.Traces, TestBodies.Body(10), RequestMetadata.Empty, Cancellation);
        length = 7;
        var taken = await transport.CallAsync(Signal.Traces, TestBodies.Body(10), RequestMetadata.Empty, Cancellation);

        Assert.Equal((UpstreamOutcome.Malformed, StatusCode.ResourceExhausted), (refused.Outcome, refused.Reply.Status));
        Assert.Equal(7, taken.Reply.Body.Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Many_calls_share_a_connection_and_each_gets_its_own_answer(bool useTls)
    {
        var connections = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        await using var upstream = await KestrelUpstream.StartAsync(
            async context =>
            {
                connections.TryAdd(context.Connection.Id, 0);
                await KestrelUpstream.AnswerAsync(context, await KestrelUpstream.ReadMessageAsync(context));
            },
            useTls,
            limits => limits.MaxStreamsPerConnection = 1000);
        await using var transport = Transport(upstream);

        var calls = Enumerable.Range(0, 64).Select(async worker =>
        {
            for (var i = 0; i < 30; i++)
            {
                var length = (worker * 7919 * (i + 1)) % 70_000;
                var answer = await transport.CallAsync((Signal)(i % 3), TestBodies.Body(length, worker), RequestMetadata.Empty, Cancellation);
                Assert.Equal(StatusCode.OK, answer.Reply.Status);
                Assert.True(TestBodies.Bytes(length, worker).AsSpan().SequenceEqual(answer.Reply.Body.Span));
            }
        });
        await Task.WhenAll(calls);

        Assert.Single(connections);
    }

    [Fact]
    public async Task Calls_beyond_the_streams_of_four_connections_wait_their_turn()
    {
        var connections = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        await using var upstream = await KestrelUpstream.StartAsync(
            async context =>
            {
                connections.TryAdd(context.Connection.Id, 0);
                await KestrelUpstream.AnswerAsync(context, await KestrelUpstream.ReadMessageAsync(context));
            },
            limits: limits => limits.MaxStreamsPerConnection = 3);
        await using var transport = Transport(upstream);

        var answers = await Task.WhenAll(Enumerable.Range(0, 500).Select(i =>
            transport.CallAsync(Signal.Traces, TestBodies.Body(100, i), RequestMetadata.Empty, Cancellation).AsTask()));

        Assert.All(answers, (answer, i) => Assert.Equal(TestBodies.Bytes(100, i), answer.Reply.Body.ToArray()));
        Assert.InRange(connections.Count, 2, Http2Transport.ConnectionsMax);
    }

    [Fact]
    public async Task A_cancelled_call_ends_at_once_and_the_upstream_is_told()
    {
        var entered = new TaskCompletionSource();
        var aborted = new TaskCompletionSource();
        await using var upstream = await KestrelUpstream.StartAsync(async context =>
        {
            context.RequestAborted.Register(aborted.SetResult);
            entered.SetResult();
            await aborted.Task;
        });
        await using var transport = Transport(upstream);
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        var call = transport.CallAsync(Signal.Traces, TestBodies.Body(10), RequestMetadata.Empty, impatience.Token).AsTask();
        await entered.Task.WaitAsync(Cancellation);
        await impatience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await aborted.Task.WaitAsync(Cancellation);
    }

    [Fact]
    public async Task An_upstream_that_answers_before_the_request_is_whole_is_heard()
    {
        await using var upstream = await KestrelUpstream.StartAsync(context => KestrelUpstream.AnswerAsync(context, [], 8, "too large"));
        await using var transport = Transport(upstream);

        for (var i = 0; i < 20; i++)
        {
            var answer = await transport.CallAsync(Signal.Traces, TestBodies.Body(8 << 20), RequestMetadata.Empty, Cancellation);
            Assert.Equal((StatusCode.ResourceExhausted, "too large"), (answer.Reply.Status, answer.Reply.Message));
        }
    }

    [Fact]
    public async Task A_certificate_of_an_unknown_authority_is_refused_unless_verification_is_off()
    {
        await using var upstream = await KestrelUpstream.StartAsync(
            async context =>
            {
                await KestrelUpstream.ReadMessageAsync(context);
                await KestrelUpstream.AnswerAsync(context, []);
            },
            useTls: true);
        await using var strict = Transport(upstream, new UpstreamOptions { Endpoint = upstream.Endpoint });
        await using var lax = Transport(upstream, new UpstreamOptions { Endpoint = upstream.Endpoint, InsecureSkipVerify = true });

        var refused = await strict.CallAsync(Signal.Traces, TestBodies.Body(10), RequestMetadata.Empty, Cancellation);
        var taken = await lax.CallAsync(Signal.Traces, TestBodies.Body(10), RequestMetadata.Empty, Cancellation);

        Assert.Equal((UpstreamOutcome.ConnectFailed, StatusCode.Unavailable), (refused.Outcome, refused.Reply.Status));
        Assert.Contains(upstream.Endpoint.Authority, refused.Reply.Message, StringComparison.Ordinal);
        Assert.Equal(UpstreamAnswer.Accepted, taken);
    }

    private static Http2Transport Transport(KestrelUpstream upstream, UpstreamOptions? options = null) =>
        new((options ?? new UpstreamOptions { Endpoint = upstream.Endpoint }) with { CaFile = options is { Headers.Count: 0 } ? null : upstream.CaFile }, TimeProvider.System, NullLogger<Http2Transport>.Instance);
}
