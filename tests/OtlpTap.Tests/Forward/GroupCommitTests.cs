using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward;

public sealed class GroupCommitTests : IAsyncDisposable
{
    private static readonly RequestMetadata TenantA = new([("x-scope-orgid", "a")]);
    private static readonly RequestMetadata TenantB = new([("x-scope-orgid", "b")]);

    private readonly ScriptedTransport _upstream = new();

    [Fact]
    public async Task A_request_that_finds_a_call_slot_free_goes_at_once_and_alone()
    {
        await using var setup = ForwardSetup.Scripted(_upstream);

        var replies = Enumerable.Range(0, 4).Select(i => setup.SendAsync($"{i}")).ToArray();

        Assert.Equal(4, _upstream.InFlight);
        for (var i = 0; i < 4; i++)
        {
            var call = await _upstream.TakeAsync();
            Assert.Equal($"{i}", Text(call));
            call.Succeed();
        }

        Assert.All(await Task.WhenAll(replies).InTime(), reply => Assert.Same(ExportReply.Accepted, reply));
    }

    [Fact]
    public async Task What_comes_while_all_calls_are_busy_leaves_joined_in_the_next_one_in_the_order_it_came()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        var first = setup.SendAsync("first ");
        var joined = Enumerable.Range(0, 5).Select(i => setup.SendAsync($"<{i}>")).ToArray();
        var busy = await _upstream.TakeAsync();
        Assert.False(_upstream.HasUntaken);

        busy.Succeed();
        var next = await _upstream.TakeAsync();

        Assert.Equal("<0><1><2><3><4>", Text(next));
        Assert.Same(ExportReply.Accepted, await first.InTime());
        Assert.All(joined, task => Assert.False(task.IsCompleted));
        next.Succeed();
        Assert.All(await Task.WhenAll(joined).InTime(), reply => Assert.Same(ExportReply.Accepted, reply));
    }

    [Fact]
    public async Task A_joined_call_parses_as_the_union_of_its_members()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        ExportTraceServiceRequest[] requests = [.. Enumerable.Range(0, 10).Select(i => Request($"span {i}"))];
        var blocked = setup.SendAsync("");
        var replies = requests.Select(request => setup.SendAsync(Google.Protobuf.MessageExtensions.ToByteArray(request))).ToArray();
        (await _upstream.TakeAsync()).Succeed();

        var call = await _upstream.TakeAsync();

        var union = new ExportTraceServiceRequest();
        union.ResourceSpans.AddRange(requests.SelectMany(request => request.ResourceSpans));
        Assert.Equal(union, ExportTraceServiceRequest.Parser.ParseFrom(call.Message));
        call.Succeed();
        await Task.WhenAll([blocked, .. replies]).InTime();
    }

    [Fact]
    public async Task Requests_of_different_tenants_never_join_and_tenants_take_turns()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: options => OneCall(options) with { CallBytesMax = 16 << 10 });
        var replies = new List<Task<ExportReply>> { setup.SendAsync("first", TenantA) };
        // Tenant A has three calls' worth waiting before tenant B comes.
        var half = new string('a', 8 << 10);
        replies.AddRange(Enumerable.Range(0, 6).Select(_ => setup.SendAsync(half, TenantA)));
        replies.Add(setup.SendAsync("b1", TenantB));
        replies.Add(setup.SendAsync("b2", new RequestMetadata([("x-scope-orgid", "b")])));

        var order = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            var call = await _upstream.TakeAsync();
            order.Add($"{call.Metadata.Entries[0].Value}{call.Members.Length}");
            call.Succeed();
        }

        Assert.Equal(["a1", "a2", "b2", "a2", "a2"], order);
        await Task.WhenAll(replies).InTime();
    }

    [Fact]
    public async Task Signals_have_calls_of_their_own()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);

        var replies = Enum.GetValues<Signal>().Select(signal => setup.SendAsync("x"u8, signal: signal)).ToArray();

        foreach (var signal in Enum.GetValues<Signal>())
        {
            var call = await _upstream.TakeAsync();
            Assert.Equal(signal, call.Signal);
            call.Succeed();
        }

        await Task.WhenAll(replies).InTime();
    }

    [Fact]
    public async Task A_joined_call_stays_within_the_byte_cap()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: options => OneCall(options) with { CallBytesMax = 100 });
        var replies = Enumerable.Range(0, 8).Select(_ => setup.SendAsync(new string('x', 40))).ToArray();

        var sizes = new List<int>();
        for (var i = 0; i < 5; i++)
        {
            var call = await _upstream.TakeAsync();
            sizes.Add(call.Message.Length);
            call.Succeed();
        }

        Assert.Equal([40, 80, 80, 80, 40], sizes);
        await Task.WhenAll(replies).InTime();
    }

    [Fact]
    public async Task Requests_above_the_join_limit_go_straight_through_past_busy_slots()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        var small = setup.SendAsync("small");
        var waiting = setup.SendAsync("waiting");
        var large = Enumerable.Range(0, 3).Select(_ => setup.SendAsync(new string('x', (16 << 10) + 1))).ToArray();

        Assert.Equal(4, _upstream.InFlight);
        var busy = await _upstream.TakeAsync();
        foreach (var reply in large)
        {
            (await _upstream.TakeAsync()).Succeed();
            Assert.Same(ExportReply.Accepted, await reply.InTime());
        }

        Assert.False(small.IsCompleted);
        busy.Succeed();
        (await _upstream.TakeAsync()).Succeed();
        await Task.WhenAll(small, waiting).InTime();
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument)]
    [InlineData(StatusCode.Internal)]
    [InlineData(StatusCode.Unknown)]
    [InlineData(StatusCode.FailedPrecondition)]
    [InlineData(StatusCode.PermissionDenied)]
    [InlineData(StatusCode.ResourceExhausted)]
    public async Task A_poisoned_request_alone_is_refused_and_its_neighbours_are_accepted(StatusCode status)
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        var first = setup.SendAsync("first");
        var busy = await _upstream.TakeAsync();
        var replies = Enumerable.Range(0, 9).Select(i => setup.SendAsync(i == 4 ? "poison" : $"good {i}")).ToArray();
        _upstream.Always = call => Text(call).Contains("poison", StringComparison.Ordinal)
            ? new UpstreamAnswer(UpstreamOutcome.Answered, new ExportReply(status, "poisoned", default, []))
            : UpstreamAnswer.Accepted;

        busy.Succeed();
        var told = await Task.WhenAll(replies).InTime();

        await first.InTime();
        Assert.Equal(status, told[4].Status);
        Assert.Equal("poisoned", told[4].Message);
        Assert.All(told.Where((_, i) => i != 4), reply => Assert.Same(ExportReply.Accepted, reply));
        Assert.Contains("otlptap_forward_resent_requests_total{exporter=\"otlp_grpc/test\"} 9", await setup.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resending_does_not_flood_the_upstream_nor_occupy_a_call_slot()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: options => OneCall(options) with { CallsInFlightMax = 1 });
        var first = setup.SendAsync("first");
        var poisoned = Enumerable.Range(0, 50).Select(i => setup.SendAsync($"member {i}")).ToArray();
        (await _upstream.TakeAsync()).Succeed();
        (await _upstream.TakeAsync()).Reply(StatusCode.InvalidArgument);

        var resent = await _upstream.TakeAsync();
        Assert.Single(resent.Members);
        Assert.Equal(1, _upstream.InFlight);
        var neighbour = setup.SendAsync("neighbour");
        var past = await _upstream.TakeAsync();
        Assert.Equal("neighbour", Text(past));
        past.Succeed();
        Assert.Same(ExportReply.Accepted, await neighbour.InTime());

        _upstream.Always = _ => UpstreamAnswer.Accepted;
        resent.Succeed();
        await Task.WhenAll([first, .. poisoned]).InTime();
        Assert.Equal(2, _upstream.InFlightMost);
    }

    [Theory]
    [InlineData(StatusCode.Cancelled)]
    [InlineData(StatusCode.DeadlineExceeded)]
    [InlineData(StatusCode.Aborted)]
    [InlineData(StatusCode.OutOfRange)]
    [InlineData(StatusCode.Unavailable)]
    [InlineData(StatusCode.DataLoss)]
    [InlineData(StatusCode.Unauthenticated)]
    [InlineData(StatusCode.Unimplemented)]
    public async Task A_refusal_that_lies_in_no_member_goes_to_all_and_nothing_is_resent(StatusCode status)
    {
        var details = new ReplyTrailer("grpc-status-details-bin", "CA4");
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        var (call, members) = await JoinedAsync(setup, 3);

        call.Reply(status, "not now", null, details);

        Assert.All(await Task.WhenAll(members).InTime(), reply =>
        {
            Assert.Equal(status, reply.Status);
            Assert.Equal("not now", reply.Message);
            Assert.Equal([details], reply.Trailers.ToArray());
        });
        Assert.False(_upstream.HasUntaken);
    }

    [Fact]
    public async Task RESOURCE_EXHAUSTED_with_RetryInfo_is_throttling_and_goes_to_all()
    {
        var details = StatusDetails.Trailer(StatusDetails.RetryInfo(StatusCode.ResourceExhausted, "slow down", TimeSpan.FromSeconds(5)));
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        var (call, members) = await JoinedAsync(setup, 3);

        call.Reply(StatusCode.ResourceExhausted, "slow down", null, details);

        Assert.All(await Task.WhenAll(members).InTime(), reply => Assert.Equal([details], reply.Trailers.ToArray()));
        Assert.False(_upstream.HasUntaken);
    }

    [Fact]
    public async Task After_an_answer_that_could_not_be_read_nothing_is_resent_because_it_may_have_been_accepted()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        var (call, members) = await JoinedAsync(setup, 3);

        call.End(new UpstreamAnswer(UpstreamOutcome.Malformed, new ExportReply(StatusCode.Internal, "compressed", default, [])));

        Assert.All(await Task.WhenAll(members).InTime(), reply => Assert.Equal(StatusCode.Internal, reply.Status));
        Assert.False(_upstream.HasUntaken);
    }

    [Fact]
    public async Task A_partial_success_of_a_joined_call_tells_each_member_no_more_than_it_sent_and_never_too_little()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        var blocked = setup.SendAsync("");
        var one = setup.SendAsync(Google.Protobuf.MessageExtensions.ToByteArray(Request("a")));
        var five = setup.SendAsync(Google.Protobuf.MessageExtensions.ToByteArray(Request("a", "b", "c", "d", "e")));
        var none = setup.SendAsync("");
        (await _upstream.TakeAsync()).Succeed();

        (await _upstream.TakeAsync()).Reply(StatusCode.OK, body: new PartialSuccess(3, "too old").ToResponse());

        Assert.Equal((1, "too old (of 3 requests sent together, 3 items in all were rejected)"), Partial(await one.InTime()));
        Assert.Equal((3, "too old (of 3 requests sent together, 3 items in all were rejected)"), Partial(await five.InTime()));
        Assert.True((await none.InTime()).Body.IsEmpty);
        await blocked.InTime();
    }

    [Fact]
    public async Task A_warning_on_a_joined_call_goes_to_every_member_unchanged()
    {
        var warning = new PartialSuccess(0, "deprecated field").ToResponse();
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        var (call, members) = await JoinedAsync(setup, 3);

        call.Reply(StatusCode.OK, body: warning);

        Assert.All(await Task.WhenAll(members).InTime(), reply => Assert.Equal(warning, reply.Body.ToArray()));
    }

    [Fact]
    public async Task A_member_that_leaves_a_call_on_its_way_cancels_no_neighbour_and_its_bytes_stay_until_the_end()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        using var leaving = new CancellationTokenSource();
        var blocked = setup.SendAsync("");
        var stays = setup.SendAsync("stays");
        var leaves = setup.SendUntilAsync("leaves", leaving.Token);
        (await _upstream.TakeAsync()).Succeed();
        var call = await _upstream.TakeAsync();
        await blocked.InTime();

        await leaving.CancelAsync();

        var left = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaves.InTime());
        Assert.Equal(leaving.Token, left.CancellationToken);
        Assert.False(call.Answer.IsCompleted);
        Assert.Equal("staysleaves".Length, setup.CreditOut);
        call.Succeed();
        Assert.Same(ExportReply.Accepted, await stays.InTime());
        await setup.AssertAllCameBackAsync();
    }

    [Fact]
    public async Task A_member_that_leaves_while_it_waits_is_not_sent_and_its_bytes_come_back_at_once()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        using var leaving = new CancellationTokenSource();
        var blocked = setup.SendAsync("");
        var before = setup.SendAsync("<before>");
        var leaves = setup.SendUntilAsync("<leaves>", leaving.Token);
        var after = setup.SendAsync("<after>");
        var alone = setup.SendUntilAsync("<alone>", TenantA, leaving.Token);
        var busy = await _upstream.TakeAsync();

        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaves.InTime());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => alone.InTime());
        Assert.Equal("<before><after>".Length, setup.CreditOut);
        busy.Succeed();
        var call = await _upstream.TakeAsync();
        Assert.Equal("<before><after>", Text(call));
        call.Succeed();
        await Task.WhenAll(blocked, before, after).InTime();
        Assert.False(_upstream.HasUntaken);
        var metrics = await setup.MetricsAsync();
        Assert.Contains("otlptap_forward_abandoned_requests_total{exporter=\"otlp_grpc/test\"} 2", metrics, StringComparison.Ordinal);
        Assert.Contains("otlptap_forward_queue_requests{exporter=\"otlp_grpc/test\"} 0", metrics, StringComparison.Ordinal);
        Assert.Contains("otlptap_forward_queue_bytes{exporter=\"otlp_grpc/test\"} 0", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_whose_agent_has_left_before_it_came_is_not_sent()
    {
        await using var setup = ForwardSetup.Scripted(_upstream);
        using var left = new CancellationTokenSource();
        await left.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => setup.SendUntilAsync("small", left.Token).InTime());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => setup.SendUntilAsync(new string('x', 20_000), left.Token).InTime());

        Assert.False(_upstream.HasUntaken);
        await setup.AssertAllCameBackAsync();
    }

    [Fact]
    public async Task A_call_that_takes_longer_than_the_timeout_is_UNAVAILABLE_for_all_and_the_next_one_goes()
    {
        var time = new FakeTimeProvider();
        await using var setup = ForwardSetup.Scripted(_upstream, time, OneCall);
        var first = setup.SendAsync("first");
        await _upstream.TakeAsync();
        var second = setup.SendAsync("second");

        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(first.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.2));

        var reply = await first.InTime();
        Assert.Equal(StatusCode.Unavailable, reply.Status);
        Assert.Equal("upstream upstream.test:4317: no answer within 5 s", reply.Message);
        (await _upstream.TakeAsync()).Succeed();
        Assert.Same(ExportReply.Accepted, await second.InTime());
        Assert.Contains("otlptap_upstream_failures_total{exporter=\"otlp_grpc/test\",cause=\"timed_out\"} 1", await setup.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_transport_that_breaks_its_promise_costs_a_retry_and_leaves_nobody_waiting()
    {
        await using var setup = ForwardSetup.Scripted(_upstream, with: OneCall);
        var (call, members) = await JoinedAsync(setup, 3);

        call.Throw(new InvalidOperationException("a mistake"));

        Assert.All(await Task.WhenAll(members).InTime(), reply => Assert.Equal(StatusCode.Unavailable, reply.Status));
        var next = setup.SendAsync("next");
        (await _upstream.TakeAsync()).Succeed();
        Assert.Same(ExportReply.Accepted, await next.InTime());
    }

    [Fact]
    public async Task Under_load_from_many_threads_every_request_is_sent_once_and_answered_and_all_comes_back()
    {
        const int Threads = 8;
        const int Each = 2_000;
        await using var setup = ForwardSetup.Scripted(_upstream);
        var arrived = new System.Collections.Concurrent.ConcurrentBag<string>();
        _upstream.Always = call =>
        {
            foreach (var member in call.Members)
            {
                arrived.Add(Encoding.UTF8.GetString(member));
            }

            return UpstreamAnswer.Accepted;
        };
        var leftUnsent = 0;

        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(async () =>
        {
            var random = new Random(thread);
            var waiting = new List<Task>();
            for (var i = 0; i < Each; i++)
            {
                using var leaving = new CancellationTokenSource();
                var reply = setup.SendUntilAsync($"{thread}.{i}", (i & 1) == 0 ? TenantA : TenantB, leaving.Token);
                if (random.Next(4) == 0)
                {
                    await leaving.CancelAsync();
                }

                waiting.Add(reply);
                if (random.Next(8) == 0)
                {
                    await ((Task)Task.WhenAll(waiting)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }

            await ((Task)Task.WhenAll(waiting)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Interlocked.Add(ref leftUnsent, waiting.Count(task => task.IsCanceled));
            Assert.All(waiting, task => Assert.True(task.IsCanceled || task.IsCompletedSuccessfully));
        }))).InTime();

        await setup.AssertAllCameBackAsync();
        Assert.Equal(arrived.Count, arrived.Distinct().Count());
        Assert.InRange(arrived.Count, (Threads * Each) - leftUnsent, Threads * Each);
        Assert.InRange(_upstream.InFlightMost, 1, 4);
    }

    public ValueTask DisposeAsync() => _upstream.DisposeAsync();

    private static ForwardOptions OneCall(ForwardOptions options) => options with { CallsInFlightMax = 1 };

    private async Task<(ScriptedCall Call, Task<ExportReply>[] Members)> JoinedAsync(ForwardSetup setup, int count)
    {
        var blocked = setup.SendAsync("");
        var members = Enumerable.Range(0, count).Select(i => setup.SendAsync($"member {i}")).ToArray();
        (await _upstream.TakeAsync()).Succeed();
        await blocked.InTime();
        var call = await _upstream.TakeAsync();
        Assert.Equal(count, call.Members.Length);
        return (call, members);
    }

    private static string Text(ScriptedCall call) => Encoding.UTF8.GetString(call.Message);

    private static (long Rejected, string Message) Partial(ExportReply reply)
    {
        var partial = ExportTraceServiceResponse.Parser.ParseFrom(reply.Body.Span).PartialSuccess;
        return (partial.RejectedSpans, partial.ErrorMessage);
    }

    private static ExportTraceServiceRequest Request(params string[] spanNames)
    {
        var scope = new ScopeSpans();
        scope.Spans.AddRange(spanNames.Select(name => new Span { Name = name }));
        return new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { ScopeSpans = { scope } } } };
    }
}
