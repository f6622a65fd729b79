using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Client;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Web;

namespace OtlpTap.Tests.Client;

/// <summary>Against the tap's own endpoints over a real socket.</summary>
public sealed class TapClientTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<(string Path, string Query, string Headers)> _asked = [];
    private AdviceServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await AdviceServer.StartAsync();
        Watch(_server);
        _server.Source.Publish(ScriptedAdvice.Reroute);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Advice_is_there_as_soon_as_the_tap_raises_it_and_gone_when_it_is_withdrawn()
    {
        await using var client = Client();
        await client.ReadyAsync(Deadline.Token());

        Assert.True(client.Advice.TryGet("reroute", "search", out var advice));
        Assert.Equal("tool-failing:shop/planner/search", advice.Id);
        Assert.Equal(("tool-failing", "shop", "planner", "search", ""), (advice.Policy, advice.Service, advice.Agent, advice.Tool, advice.Model));
        Assert.Equal(("search_backup", "8 of 10 calls failed in the last minute"), (advice["fallback_tool"], advice.Reason));
        Assert.Equal((new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 0.8), (advice.Since, advice.Values["tool.errors.ratio_1m"]));

        _server.Source.Publish(ScriptedAdvice.AskUser);
        await Deadline.UntilAsync(() => client.Advice.TryGet("ask_user", out _) && !client.Advice.TryGet("reroute", "search", out _), "the change has come");
        Assert.Equal(["/api/v1/advice/stream"], _asked.Select(request => request.Path));
    }

    [Fact]
    public async Task Only_what_concerns_the_agent_is_asked_for_and_the_token_is_shown()
    {
        await using var client = Client(options => options with { Agent = "writer & co", Token = "secret-1" });
        await client.ReadyAsync(Deadline.Token());

        Assert.True(client.Advice.For().IsEmpty);
        var request = Assert.Single(_asked);
        Assert.Equal("?service=shop&agent=writer%20%26%20co", request.Query);
        Assert.Contains("Authorization: Bearer secret-1", request.Headers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tap_without_a_stream_to_spare_is_asked_from_time_to_time_and_says_the_same_once()
    {
        var time = new FakeTimeProvider();
        var statuses = new ConcurrentQueue<int>();
        _server.Gate = async (http, next) =>
        {
            if (http.Request.Path.Value!.EndsWith("stream", StringComparison.Ordinal))
            {
                http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return;
            }

            await next(http);
            statuses.Enqueue(http.Response.StatusCode);
        };
        await using var client = Client(options => options with { Time = time });
        await client.ReadyAsync(Deadline.Token());
        Assert.True(client.Advice.TryGet("reroute", "search", out _));

        await MovingAsync(time, () => statuses.Count >= 3, "it is asked again");
        Assert.Equal([200, 304, 304], statuses.Take(3));
        Assert.True(client.Advice.TryGet("reroute", "search", out _));

        _server.Source.Publish();
        await MovingAsync(time, () => client.Advice.For().IsEmpty, "the change has come");
    }

    [Fact]
    public async Task Without_a_stream_none_is_asked_for()
    {
        await using var client = Client(options => options with { UseStream = false });
        await client.ReadyAsync(Deadline.Token());

        Assert.True(client.Advice.TryGet("reroute", "search", out _));
        Assert.Equal("/api/v1/advice", _asked.First().Path);
    }

    [Fact]
    public async Task Once_nothing_is_heard_of_the_tap_for_too_long_there_is_no_advice_and_it_comes_back_with_the_tap()
    {
        var time = new FakeTimeProvider();
        var isHung = false;
        _server.Gate = async (http, next) =>
        {
            if (Volatile.Read(ref isHung))
            {
                await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                return;
            }

            await next(http);
        };
        await using var client = Client(options => options with { Time = time, UseStream = false, StaleAfter = TimeSpan.FromSeconds(60) });
        await client.ReadyAsync(Deadline.Token());
        Assert.False(client.Advice.For().IsEmpty);

        Volatile.Write(ref isHung, true);
        var waited = TimeSpan.Zero;
        await Deadline.UntilAsync(
            () =>
            {
                if (client.Advice.For().IsEmpty)
                {
                    return true;
                }

                time.Advance(TimeSpan.FromSeconds(1));
                waited += TimeSpan.FromSeconds(1);
                return false;
            },
            "there is none");
        Assert.Equal(TimeSpan.FromSeconds(60), waited);

        Volatile.Write(ref isHung, false);
        await MovingAsync(time, () => !client.Advice.For().IsEmpty, "it is back");
    }

    [Fact]
    public async Task A_stream_that_falls_silent_is_opened_again()
    {
        var time = new FakeTimeProvider();
        await using var client = Client(options => options with { Time = time });
        await client.ReadyAsync(Deadline.Token());

        // The server's clock stands, so that nothing shows that the stream lives.
        await MovingAsync(time, () => _asked.Count(request => request.Path == "/api/v1/advice/stream") > 1, "another one is opened");
        await MovingAsync(time, () => !client.Advice.For().IsEmpty, "there is advice");
    }

    [Fact]
    public async Task A_tap_that_is_not_there_is_found_when_it_comes()
    {
        var there = _server.Uri;
        await _server.DisposeAsync();
        var time = new FakeTimeProvider();
        await using var client = new TapClient(new TapClientOptions { AdminEndpoint = there, Service = "shop", Agent = "planner", Time = time });
        await MovingAsync(time, () => client.Advice.Problem is not null, "it is noticed");
        Assert.True(client.Advice.For("search").IsEmpty);
        Assert.False(client.ReadyAsync(Deadline.Token()).IsCompleted);

        _server = await AdviceServer.StartAsync(there.Port);
        _server.Source.Publish(ScriptedAdvice.AskUser);

        await MovingAsync(time, () => client.Advice.TryGet("ask_user", out _), "it is found");
        Assert.Null(client.Advice.Problem);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"version\":1,\"holdout\":0,\"advice\":[7]}")]
    [InlineData("<html>")]
    public async Task What_is_no_advice_is_none_and_is_told(string body)
    {
        _server.Gate = (http, _) => http.Response.WriteAsync(body);
        await using var client = Client(options => options with { UseStream = false });

        await Deadline.UntilAsync(() => client.Advice.Problem is not null, "it is noticed");

        Assert.StartsWith("what the tap answers is no advice", client.Advice.Problem, StringComparison.Ordinal);
        Assert.True(client.Advice.For().IsEmpty);
    }

    [Fact]
    public async Task A_refusal_is_told_by_its_status()
    {
        _server.Gate = (http, _) =>
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        };
        await using var client = Client();

        await Deadline.UntilAsync(() => client.Advice.Problem is not null, "it is noticed");

        Assert.EndsWith(" answered 401", client.Advice.Problem, StringComparison.Ordinal);
    }

    /// <summary>An application that makes spans of its requests sees none of the client's, and none of its runs goes on in them.</summary>
    [Fact]
    public async Task What_happens_behind_the_scenes_is_no_part_of_any_trace()
    {
        var started = new ConcurrentQueue<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "System.Net.Http",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStarted = activity => started.Enqueue(activity.TagObjects.FirstOrDefault(tag => tag.Key == "server.port").Value?.ToString() ?? ""),
        };
        ActivitySource.AddActivityListener(listener);
        using var run = new Activity("run").SetIdFormat(ActivityIdFormat.W3C).Start();

        await using var client = Client();
        await client.ReadyAsync(Deadline.Token());

        Assert.DoesNotContain($"{_server.Uri.Port}", started);
        Assert.DoesNotContain("traceparent", Assert.Single(_asked).Headers, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task After_the_end_there_is_no_advice_and_no_stream()
    {
        var client = Client();
        await client.ReadyAsync(Deadline.Token());

        await client.DisposeAsync();

        Assert.True(client.Advice.For().IsEmpty);
        await Deadline.UntilAsync(async () => await _server.MetricAsync("otlptap_advice_streams") == 0, "the stream is closed");
        await client.DisposeAsync();
    }

    [Fact]
    public void Options_that_cannot_be_meant_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new TapClient(new TapClientOptions { AdminEndpoint = new Uri("127.0.0.1:8888", UriKind.RelativeOrAbsolute) }));
        Assert.Throws<ArgumentException>(() => new TapClient(new TapClientOptions { FeedbackEndpoint = new Uri("ftp://127.0.0.1") }));
        Assert.Throws<ArgumentException>(() => new TapClient(new TapClientOptions { RefreshInterval = TimeSpan.Zero }));
        Assert.Throws<ArgumentException>(() => new TapClient(new TapClientOptions { StaleAfter = TimeSpan.FromSeconds(19) }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TapClient(new TapClientOptions { FeedbackQueueMax = 0 }));
    }

    private TapClient Client(Func<TapClientOptions, TapClientOptions>? change = null)
    {
        var options = new TapClientOptions { AdminEndpoint = _server.Uri, Service = "shop", Agent = "planner" };
        return new TapClient(change?.Invoke(options) ?? options);
    }

    private void Watch(AdviceServer server) => server.Gate = (http, next) =>
    {
        _asked.Enqueue((http.Request.Path, http.Request.QueryString.ToString(), string.Join('\n', http.Request.Headers.Select(header => $"{header.Key}: {header.Value}"))));
        return next(http);
    };

    private static Task MovingAsync(FakeTimeProvider time, Func<bool> holds, string what) => Deadline.UntilAsync(
        () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return holds();
        },
        what);
}
