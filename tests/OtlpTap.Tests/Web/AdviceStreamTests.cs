using System.Net;
using System.Net.Sockets;
using System.Text;
using OtlpTap.Tests.Forward;
using OtlpTap.Web;

namespace OtlpTap.Tests.Web;

public sealed class AdviceStreamTests : IAsyncLifetime
{
    private AdviceServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await AdviceServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task All_advice_comes_at_once_and_again_with_each_change()
    {
        _server.Source.Publish(ScriptedAdvice.Reroute);
        using var response = await _server.GetAsync("/api/v1/advice/stream?service=shop");
        Assert.Equal((HttpStatusCode.OK, "text/event-stream", "no-cache"), (response.StatusCode, response.Content.Headers.ContentType!.ToString(), response.Headers.CacheControl!.ToString()));
        using var lines = await LinesAsync(response);

        using var now = await _server.GetAsync("/api/v1/advice?service=shop");
        Assert.Equal(["event: advice", "id: 1", $"data: {await now.Content.ReadAsStringAsync(Deadline.Token())}", ""], await ReadAsync(lines, 4));

        _server.Source.Publish();
        Assert.Equal(["event: advice", "id: 2", """data: {"version":2,"generated_at":"2026-01-01T00:00:30Z","holdout":0,"advice":[]}""", ""], await ReadAsync(lines, 4));
    }

    [Fact]
    public async Task A_line_break_in_a_text_does_not_break_an_event()
    {
        _server.Source.Publish(ScriptedAdvice.AskUser with { Reason = "one\ntwo\r\n\nevent: advice" });
        using var response = await _server.GetAsync("/api/v1/advice/stream");
        using var lines = await LinesAsync(response);

        Assert.Equal(["event: advice", "id: 1", "data", ""], (await ReadAsync(lines, 4)).Select(line => line.StartsWith("data: {", StringComparison.Ordinal) ? "data" : line));
    }

    [Fact]
    public async Task While_nothing_changes_a_comment_shows_that_the_stream_lives()
    {
        using var response = await _server.GetAsync("/api/v1/advice/stream");
        using var lines = await LinesAsync(response);
        await ReadAsync(lines, 4);

        for (var i = 0; i < 3; i++)
        {
            // As soon as it waits for the next one.
            var next = ReadAsync(lines, 2);
            await Deadline.UntilAsync(
                () =>
                {
                    _server.Time.Advance(AdviceStreams.Heartbeat / 2);
                    return next.IsCompleted;
                },
                "a comment comes");
            Assert.Equal([": still here", ""], await next);
        }
    }

    [Fact]
    public async Task A_stream_is_forgotten_when_its_client_is_gone()
    {
        using (var response = await _server.GetAsync("/api/v1/advice/stream"))
        {
            using var lines = await LinesAsync(response);
            await ReadAsync(lines, 4);
            Assert.Equal(1, await _server.MetricAsync("otlptap_advice_streams"));
        }

        await Deadline.UntilAsync(async () => await _server.MetricAsync("otlptap_advice_streams") == 0, "the stream is gone");
    }

    [Fact]
    public async Task All_streams_end_when_the_tap_goes_down()
    {
        using var response = await _server.GetAsync("/api/v1/advice/stream");
        using var lines = await LinesAsync(response);
        await ReadAsync(lines, 4);

        await _server.GoDownAsync();

        Assert.Null(await lines.ReadLineAsync(Deadline.Token()));
    }

    /// <summary>As when a reload moves it, and the tap goes on.</summary>
    [Fact]
    public async Task A_stream_ends_when_its_listener_closes()
    {
        using var response = await _server.GetAsync("/api/v1/advice/stream");
        using var lines = await LinesAsync(response);
        await ReadAsync(lines, 4);

        await _server.CloseAsync().InTime();

        Assert.Null(await lines.ReadLineAsync(Deadline.Token()));
    }

    /// <summary>One address has half of them, so that a single client cannot have all.</summary>
    [Fact]
    public async Task So_many_streams_are_served_and_no_more()
    {
        var streams = new List<HttpResponseMessage>();
        using var one = _server.ClientFrom("127.0.0.2");
        using var other = _server.ClientFrom("127.0.0.3");
        using var third = _server.ClientFrom("127.0.0.4");
        try
        {
            await OpenAsync(one, AdviceStreams.OfClientMax);
            await IsRefusedAsync(one);
            await OpenAsync(other, AdviceStreams.Max - AdviceStreams.OfClientMax);
            await IsRefusedAsync(third);
            Assert.Equal(2, await _server.MetricAsync("otlptap_advice_streams_refused_total"));

            streams[0].Dispose();
            await Deadline.UntilAsync(
                async () =>
                {
                    using var again = await AskAsync(third);
                    return again.StatusCode == HttpStatusCode.OK;
                },
                "there is room again");
        }
        finally
        {
            streams.ForEach(stream => stream.Dispose());
        }

        static Task<HttpResponseMessage> AskAsync(HttpClient client) => client.GetAsync(new Uri("/api/v1/advice/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Deadline.Token());

        async Task OpenAsync(HttpClient client, int count)
        {
            for (var i = 0; i < count; i++)
            {
                streams.Add(await AskAsync(client));
                Assert.Equal(HttpStatusCode.OK, streams[^1].StatusCode);
            }
        }

        async Task IsRefusedAsync(HttpClient client)
        {
            using var refused = await AskAsync(client);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "30"), (refused.StatusCode, refused.Headers.RetryAfter!.ToString()));
        }
    }

    [Fact]
    public async Task A_client_that_takes_nothing_is_cut_off()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(IPAddress.Loopback, _server.Uri.Port, Deadline.Token());
        await socket.SendAsync("GET /api/v1/advice/stream HTTP/1.1\r\nHost: tap\r\n\r\n"u8.ToArray(), Deadline.Token());
        var large = ScriptedAdvice.AskUser with { Reason = new string('x', 1 << 20) };

        await Deadline.UntilAsync(
            async () =>
            {
                _server.Source.Publish(large);
                _server.Time.Advance(AdviceStreams.WriteTimeout / 4);
                return await _server.MetricAsync("otlptap_advice_streams_cut_off_total") == 1;
            },
            "it is cut off");
        await Deadline.UntilAsync(async () => await _server.MetricAsync("otlptap_advice_streams") == 0, "the stream is gone");
    }

    /// <summary>Each stream may hold an event of megabytes for as long as its client takes nothing: together they have a bound.</summary>
    [Fact]
    public async Task What_waits_for_clients_that_take_nothing_is_bounded()
    {
        // Two fit; of three, what the sockets take of each, some megabytes, is not enough to let the third in.
        const int ReasonLength = 4096;
        _server.Source.Publish([.. Enumerable.Repeat(ScriptedAdvice.AskUser with { Reason = new string('x', ReasonLength) }, AdviceStreams.WaitingBytesMax / 5 * 2 / ReasonLength)]);
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < 3; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
                sockets.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, _server.Uri.Port, Deadline.Token());
                await socket.SendAsync("GET /api/v1/advice/stream HTTP/1.1\r\nHost: tap\r\n\r\n"u8.ToArray(), Deadline.Token());
            }

            await Deadline.UntilAsync(async () => await _server.MetricAsync("otlptap_advice_streams_cut_off_total") == 1, "one is cut off");
            await Deadline.UntilAsync(async () => await _server.MetricAsync("otlptap_advice_streams") == 2, "two are left");
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    private static async Task<StreamReader> LinesAsync(HttpResponseMessage response) => new(await response.Content.ReadAsStreamAsync(Deadline.Token()), Encoding.UTF8);

    private static async Task<IReadOnlyList<string>> ReadAsync(StreamReader lines, int count)
    {
        var read = new List<string>();
        while (read.Count < count)
        {
            read.Add(await lines.ReadLineAsync(Deadline.Token()) ?? throw new EndOfStreamException());
        }

        return read;
    }
}
