using System.Net;
using Microsoft.AspNetCore.Http;
using OtlpTap.Client;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Client;

public sealed class FeedbackTests : IAsyncLifetime
{
    private const string Trace = "0123456789abcdef0123456789abcdef";

    private readonly PatientTime _time = new(DateTimeOffset.UnixEpoch);
    private FeedbackStub _stub = null!;

    public async ValueTask InitializeAsync() => _stub = await FeedbackStub.StartAsync();

    public ValueTask DisposeAsync() => _stub.DisposeAsync();

    [Fact]
    public async Task All_that_a_user_says_is_sent_as_the_tap_takes_it()
    {
        await using var client = Client(token: "secret-2");
        var id = await client.SendFeedbackAsync(
            new UserFeedback { Id = "f1", TraceId = Trace, SpanId = "0123456789abcdef", Score = 0.25, Range = (0, 1), Comment = "made up \"ten\"", User = "u7", Name = "helpfulness" },
            Deadline.Token());
        await client.SendFeedbackAsync(new UserFeedback { Id = "f2", ResponseId = "chatcmpl-1", Thumbs = Thumbs.Up }, Deadline.Token());
        await client.SendFeedbackAsync(new UserFeedback { Id = "f3", SessionId = "s1", Thumbs = Thumbs.Down }, Deadline.Token());
        await client.SendFeedbackAsync(new UserFeedback { Id = "f4", SessionId = "s1", Stars = 5 }, Deadline.Token());
        await client.SendFeedbackAsync(new UserFeedback { Id = "f5", SessionId = "s1", Label = "incorrect" }, Deadline.Token());

        Assert.Equal("f1", id);
        Assert.Equal(
            [
                $$"""{"id":"f1","trace_id":"{{Trace}}","span_id":"0123456789abcdef","score":0.25,"range":[0,1],"comment":"made up \u0022ten\u0022","user":"u7","name":"helpfulness"}""",
                """{"id":"f2","response_id":"chatcmpl-1","thumbs":"up"}""",
                """{"id":"f3","session_id":"s1","thumbs":"down"}""",
                """{"id":"f4","session_id":"s1","stars":5}""",
                """{"id":"f5","session_id":"s1","label":"incorrect"}""",
            ],
            _stub.Bodies.Select(body => body.GetRawText()));
        Assert.All(_stub.Authorizations, authorization => Assert.Equal("Bearer secret-2", authorization));
    }

    [Fact]
    public async Task A_refusal_is_told_in_the_taps_words_to_who_waits_for_it()
    {
        _stub.Answer = _ => Task.FromResult(StatusCodes.Status400BadRequest);
        await using var client = Client();

        var refusal = await Assert.ThrowsAsync<FeedbackException>(() => client.SendFeedbackAsync(new UserFeedback { TraceId = Trace, Stars = 6 }, Deadline.Token()));

        Assert.Equal((HttpStatusCode.BadRequest, false, """the tap answered 400: {"error":"`stars` must be 1 to 5"}"""), (refusal.Status, refusal.IsTransient, refusal.Message));
    }

    [Fact]
    public async Task A_tap_that_is_not_there_is_told_to_who_waits_for_it()
    {
        await using var client = Client();
        await _stub.DisposeAsync();

        var refusal = await Assert.ThrowsAsync<FeedbackException>(() => client.SendFeedbackAsync(new UserFeedback { TraceId = Trace, Stars = 5 }, Deadline.Token()));

        Assert.Equal((null, true), (refusal.Status, refusal.IsTransient));
    }

    [Fact]
    public async Task What_is_added_is_sent_in_the_background_and_counted()
    {
        await using var client = Client();

        Assert.True(client.Feedback.ThumbsUp(Trace));
        Assert.True(client.Feedback.ThumbsDown(Trace, "no"));
        Assert.True(client.Feedback.Stars(Trace, 3));

        await Deadline.UntilAsync(() => client.Feedback.Sent == 3, "all is sent");
        Assert.Equal((0, 0), (client.Feedback.Waiting, client.Feedback.Dropped));
        Assert.Equal(["up", "down", "3"], _stub.Taken.Select(item => item.TryGetProperty("stars", out var stars) ? $"{stars}" : item.GetProperty("thumbs").GetString()));
        Assert.Equal(3, _stub.Taken.Select(item => item.GetProperty("id").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task One_that_is_refused_takes_no_other_with_it()
    {
        var gate = new TaskCompletionSource();
        _stub.Answer = async body =>
        {
            await gate.Task;
            return body.GetRawText().Contains("\"stars\":6", StringComparison.Ordinal) ? StatusCodes.Status400BadRequest : StatusCodes.Status202Accepted;
        };
        await using var client = Client();
        client.Feedback.Stars(Trace, 1);
        await Deadline.UntilAsync(() => !_stub.Bodies.IsEmpty, "the first is under way");
        client.Feedback.Stars(Trace, 2);
        client.Feedback.Stars(Trace, 6);
        client.Feedback.Stars(Trace, 3);

        gate.SetResult();

        await Deadline.UntilAsync(() => client.Feedback.Waiting == 0, "nothing waits");
        Assert.Equal((3, 1), (client.Feedback.Sent, client.Feedback.Dropped));
        Assert.Equal([1, 2, 3], _stub.Taken.Select(item => item.GetProperty("stars").GetInt32()));
    }

    [Fact]
    public async Task What_the_tap_cannot_take_now_is_sent_again_under_the_same_id()
    {
        var refusals = 2;
        _stub.Answer = _ => Task.FromResult(Interlocked.Decrement(ref refusals) >= 0 ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status202Accepted);
        await using var client = Client();

        client.Feedback.ThumbsDown(Trace);

        await _time.PassUntilAsync(() => client.Feedback.Sent == 1, "it is taken");
        Assert.Equal(3, _stub.Bodies.Count);
        Assert.Single(_stub.Bodies.Select(body => body.GetProperty("id").GetString()).Distinct());
        Assert.Null(client.Feedback.Problem);
    }

    [Fact]
    public async Task What_the_tap_cannot_take_for_too_long_is_dropped_and_what_comes_later_is_sent()
    {
        var isDown = true;
        _stub.Answer = _ => Task.FromResult(Volatile.Read(ref isDown) ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status202Accepted);
        await using var client = Client();
        client.Feedback.ThumbsDown(Trace);

        await _time.PassUntilAsync(() => client.Feedback.Dropped == 1, "it is dropped");
        Assert.StartsWith("the tap answered 503", client.Feedback.Problem, StringComparison.Ordinal);

        Volatile.Write(ref isDown, false);
        client.Feedback.ThumbsUp(Trace);
        await _time.PassUntilAsync(() => client.Feedback.Sent == 1, "the next one is sent");
    }

    [Fact]
    public async Task What_does_not_fit_is_dropped_and_counted_and_nobody_waits()
    {
        var gate = new TaskCompletionSource();
        _stub.Answer = async _ =>
        {
            await gate.Task;
            return StatusCodes.Status202Accepted;
        };
        await using var client = Client(queueMax: 2);
        client.Feedback.ThumbsUp(Trace);
        await Deadline.UntilAsync(() => !_stub.Bodies.IsEmpty, "the first is under way");

        var added = Enumerable.Range(0, 5).Select(_ => client.Feedback.ThumbsUp(Trace)).ToList();

        Assert.Equal([true, true, false, false, false], added);
        Assert.Equal((3, 3), (client.Feedback.Dropped, client.Feedback.Waiting));
        gate.SetResult();
        await Deadline.UntilAsync(() => client.Feedback.Sent == 3, "the others are sent");
    }

    [Fact]
    public async Task What_is_too_long_or_no_JSON_is_dropped()
    {
        await using var client = Client();

        Assert.False(client.Feedback.ThumbsDown(Trace, new string('x', 17 << 10)));
        Assert.False(client.Feedback.TryAdd(new UserFeedback { TraceId = Trace, Score = double.NaN }));
        Assert.Equal((2, 0), (client.Feedback.Dropped, client.Feedback.Waiting));
    }

    [Fact]
    public async Task What_waits_at_the_end_is_sent_first()
    {
        var client = Client();
        for (var i = 0; i < 100; i++)
        {
            client.Feedback.ThumbsUp(Trace);
        }

        await client.DisposeAsync();

        Assert.Equal((100, 0), (client.Feedback.Sent, client.Feedback.Dropped));
        Assert.False(client.Feedback.ThumbsUp(Trace));
    }

    [Fact]
    public async Task The_end_does_not_wait_for_a_tap_that_does_not_answer()
    {
        var gate = new TaskCompletionSource();
        _stub.Answer = async _ =>
        {
            await gate.Task;
            return 0;
        };
        var client = Client();
        client.Feedback.ThumbsUp(Trace);
        await Deadline.UntilAsync(() => !_stub.Bodies.IsEmpty, "it is under way");
        client.Feedback.ThumbsUp(Trace);

        var ended = client.DisposeAsync().AsTask();
        await Deadline.UntilAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return ended.IsCompleted;
            },
            "it has ended");

        await ended;
        gate.SetResult();
        Assert.Equal((0, 2, 0), (client.Feedback.Sent, client.Feedback.Dropped, client.Feedback.Waiting));
    }

    // No tap answers where it asks for advice.
    private TapClient Client(string? token = null, int queueMax = 1024) => new(new TapClientOptions
    {
        AdminEndpoint = new Uri("http://127.0.0.1:1"),
        FeedbackEndpoint = _stub.Uri,
        FeedbackToken = token,
        FeedbackQueueMax = queueMax,
        Time = _time,
    });
}
