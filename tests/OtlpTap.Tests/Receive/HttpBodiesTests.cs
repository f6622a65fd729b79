using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Otlp;
using OtlpTap.Receive;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Receive;

/// <summary>How bodies come: compressed, too large, in pieces, slowly, not at all. Connections are written to by hand where a client would not do it.</summary>
public sealed class HttpBodiesTests
{
    private const int MiB = 1 << 20;

    private static readonly byte[] OneSpan = new TraceBuilder().Span("chat model").ToBytes();

    private static readonly HttpReceiveOptions Small = new() { Limits = new HttpReceiveOptions().Limits with { MessageBytesMax = MiB } };

    public static TheoryData<Form, int> FormsAndVersions => [.. Enum.GetValues<Form>().SelectMany(form => new[] { (form, 1), (form, 2) })];

    public static TheoryData<Form> Forms => [.. Enum.GetValues<Form>()];

    [Theory]
    [MemberData(nameof(FormsAndVersions))]
    public async Task Every_compression_is_taken(Form form, int version)
    {
        await using var edge = await HttpEdge.StartAsync();
        var message = MessageOf(300_000);

        using var small = await edge.PostAsync(Compressions.Compress(form, OneSpan), encoding: Compressions.NameOf(form), version: version);
        using var large = await edge.PostAsync(Compressions.Compress(form, message), encoding: Compressions.NameOf(form), version: version);
        using var json = await edge.PostAsync(Compressions.Compress(form, """{"resourceSpans":[{}]}"""u8.ToArray()), "application/json", Compressions.NameOf(form), version: version);

        Assert.All([small, large, json], response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal<byte[]>([OneSpan, message, [0x0a, 0x00]], edge.Exported.Select(exported => exported.Message));
        Assert.All(edge.Exported, exported => Assert.Null(exported.Gzip));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task What_cannot_be_decompressed_is_400_and_a_bomb_is_413(Form form)
    {
        await using var edge = await HttpEdge.StartAsync(Small, inFlightBytes: 8 * MiB);
        var whole = Compressions.Compress(form, MessageOf(5000));

        using var truncated = await edge.PostAsync(whole[..^1], encoding: Compressions.NameOf(form));
        using var noise = await edge.PostAsync([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], encoding: Compressions.NameOf(form));
        using var bomb = await edge.PostAsync(Compressions.Compress(form, new byte[16 * MiB]), encoding: Compressions.NameOf(form));

        Assert.Equal(HttpStatusCode.BadRequest, truncated.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, noise.StatusCode);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, bomb.StatusCode);
        Assert.Empty(edge.Exported);
    }

    [Theory]
    [InlineData("br")]
    [InlineData("gzip, gzip")]
    [InlineData("lz4")]
    public async Task Another_encoding_is_415_with_those_that_are_taken(string encoding)
    {
        await using var edge = await HttpEdge.StartAsync();

        using var response = await edge.PostAsync(OneSpan, encoding: encoding);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Equal("zstd, gzip, snappy, deflate, zlib", string.Join(", ", response.Headers.GetValues("Accept-Encoding")));
        Assert.Equal("application/x-protobuf", response.Content.Headers.ContentType!.ToString());
    }

    [Theory]
    [InlineData("gzip", 200)]
    [InlineData("x-gzip", 200)]
    [InlineData("zstd", 415)]
    [InlineData(null, 415)]
    public async Task Encodings_can_be_configured(string? encoding, int expected)
    {
        await using var edge = await HttpEdge.StartAsync(new HttpReceiveOptions { Encodings = ["gzip"] });

        using var response = await edge.PostAsync(HttpEdge.Gzip(OneSpan), encoding: encoding);

        Assert.Equal(expected, (int)response.StatusCode);
    }

    [Fact]
    public async Task Gzip_is_kept_beside_the_message_where_that_is_asked_for()
    {
        await using var edge = await HttpEdge.StartAsync(new HttpReceiveOptions { Limits = new ReceiveOptions { KeepGzip = true } });
        var gzip = HttpEdge.Gzip(OneSpan);

        using var protobuf = await edge.PostAsync(gzip, encoding: "gzip");
        using var json = await edge.PostAsync(HttpEdge.Gzip("""{"resourceSpans":[{}]}"""u8.ToArray()), "application/json", "gzip");
        using var plain = await edge.PostAsync(OneSpan);

        Assert.Equal<byte[]?>([gzip, null, null], edge.Exported.Select(exported => exported.Gzip));
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413_by_its_declared_length_before_it_is_asked_for()
    {
        await using var edge = await HttpEdge.StartAsync(Small);
        await using var connection = await edge.ConnectAsync();

        await WriteAsync(connection, $"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {MiB + 1}\r\n\r\n");

        // Not "100 Continue".
        Assert.StartsWith("HTTP/1.1 413 ", await ReadAnswerAsync(connection), StringComparison.Ordinal);
        Assert.Equal(1, edge.Metric("""otlptap_refused_requests_total{signal="traces",reason="too_large"}"""));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_body_over_the_limit_is_413_when_it_has_no_declared_length(int version)
    {
        await using var edge = await HttpEdge.StartAsync(Small);
        foreach (var (bytes, expected) in new[] { (MiB, 200), (MiB + 1, 413), (5 * MiB, 413), (500, 200) })
        {
            using var request = edge.Request(MessageOf(bytes), version: version);
            request.Headers.TransferEncodingChunked = version == 1;
            request.Content!.Headers.ContentLength = null;

            using var response = await edge.Client.SendAsync(request, Deadline.Token());

            Assert.Equal((bytes, expected), (bytes, (int)response.StatusCode));
        }
    }

    [Fact]
    public async Task A_sender_that_asks_first_is_invited_and_then_answered()
    {
        await using var edge = await HttpEdge.StartAsync();
        await using var connection = await edge.ConnectAsync();
        await WriteAsync(connection, $"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nExpect: 100-continue\r\nContent-Length: {OneSpan.Length}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 100 ", await ReadAnswerAsync(connection), StringComparison.Ordinal);

        await connection.WriteAsync(OneSpan, Deadline.Token());

        Assert.StartsWith("HTTP/1.1 200 ", await ReadAnswerAsync(connection), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_too_much_in_flight_it_is_503_with_Retry_After_and_who_asks_first_is_not_invited(bool asks)
    {
        await using var edge = await HttpEdge.StartAsync(inFlightBytes: 4 * MiB);
        var stalled = new TaskCompletionSource<ExportReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        edge.Answer = () => stalled.Task;
        var waiting = edge.PostAsync(MessageOf(3 * MiB));
        await Deadline.UntilAsync(() => !edge.Exported.IsEmpty, "the first request stalls in the upstream");
        await using var connection = await edge.ConnectAsync();
        await WriteAsync(connection, $"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{(asks ? "Expect: 100-continue\r\n" : "")}Content-Length: {2 * MiB}\r\n\r\n");
        if (!asks)
        {
            await connection.WriteAsync(new byte[2 * MiB], Deadline.Token());
        }

        var answer = await ReadAnswerAsync(connection);

        Assert.StartsWith("HTTP/1.1 503 ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nRetry-After: 1\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\"retryDelay\":\"1s\"", answer, StringComparison.Ordinal);
        Assert.Equal(1, edge.Metric("""otlptap_refused_requests_total{signal="traces",reason="in_flight_full"}"""));
        stalled.SetResult(ExportReply.Accepted);
        using var first = await waiting;
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
    }

    [Theory]
    [InlineData("Content-Length: 1000000", "")]
    [InlineData("Transfer-Encoding: chunked", "400\r\n")]
    [InlineData("Transfer-Encoding: chunked", "1\r\na\r\n1\r\nb\r\n1;an-extension-without-end=")]
    [InlineData("Transfer-Encoding: chunked", "1\r\na\r\n0\r\na-trailer-without-end: ")]
    public async Task A_body_that_does_not_arrive_in_time_is_refused_and_gives_back_what_it_held(string length, string begun)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var edge = await HttpEdge.StartAsync(time: time);
        await using var connection = await edge.ConnectAsync();
        await WriteAsync(connection, $"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{length}\r\n\r\n{begun}12345");
        await Deadline.UntilAsync(() => edge.InFlight.TakenBytes > ReceiveOptions.RequestOverheadBytes, "the body has begun to arrive");

        // Ten seconds; a declared million bytes gives no more.
        var answer = ReadAnswerAsync(connection);
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(answer.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.StartsWith("HTTP/1.1 503 ", await answer.InTime(), StringComparison.Ordinal);
        Assert.Equal(1, edge.Metric("""otlptap_refused_requests_total{signal="traces",reason="too_slow"}"""));
        await Deadline.UntilAsync(() => edge.InFlight.TakenBytes == 0, "nothing is held");
    }

    [Fact]
    public async Task A_body_of_unknown_length_has_more_time_the_more_has_come()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var edge = await HttpEdge.StartAsync(time: time);
        await using var connection = await edge.ConnectAsync();
        await WriteAsync(connection, "POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n");
        var message = MessageOf(2 * MiB);
        await WriteAsync(connection, $"{message.Length:x}\r\n");
        await connection.WriteAsync(message.AsMemory(0, MiB), Deadline.Token());
        await Deadline.UntilAsync(() => edge.InFlight.TakenBytes >= MiB, "half of it has come");

        // 13 of the 14 seconds that a MiB has.
        time.Advance(TimeSpan.FromSeconds(13));
        await connection.WriteAsync(message.AsMemory(MiB), Deadline.Token());
        await WriteAsync(connection, "\r\n0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", await ReadAnswerAsync(connection), StringComparison.Ordinal);
        Assert.Equal(message, Assert.Single(edge.Exported).Message);
    }

    [Theory]
    [InlineData("Content-Length: 100000")]
    [InlineData("Transfer-Encoding: chunked")]
    public async Task A_sender_that_goes_away_half_way_leaves_nothing_behind(string length)
    {
        await using var edge = await HttpEdge.StartAsync();
        await using (var connection = await edge.ConnectAsync())
        {
            await WriteAsync(connection, $"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n{length}\r\n\r\n400\r\n123");
            await Deadline.UntilAsync(() => edge.InFlight.TakenBytes > 0, "the body has begun to arrive");
        }

        await Deadline.UntilAsync(() => edge.InFlight.TakenBytes == 0, "nothing is held");
        using var other = await edge.PostAsync(OneSpan);
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    // Kestrel takes it for gone, whether it would still read an answer or not.
    [Fact]
    public async Task Of_a_sender_that_ends_before_the_length_it_declared_nothing_goes_on()
    {
        await using var edge = await HttpEdge.StartAsync();
        await using var connection = await edge.ConnectAsync();
        await WriteAsync(connection, "POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{}");
        await Deadline.UntilAsync(() => edge.InFlight.TakenBytes > 0, "the body has begun to arrive");

        connection.Socket.Shutdown(SocketShutdown.Send);

        await Deadline.UntilAsync(() => edge.InFlight.TakenBytes == 0, "nothing is held");
        Assert.Empty(edge.Exported);
    }

    [Fact]
    public async Task Chunks_that_are_none_are_400()
    {
        await using var edge = await HttpEdge.StartAsync();
        await using var connection = await edge.ConnectAsync();
        await WriteAsync(connection, "POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n");

        var answer = await ReadAnswerAsync(connection);

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Contains("\"code\":3", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_sent_one_behind_the_other_are_answered_one_behind_the_other()
    {
        await using var edge = await HttpEdge.StartAsync();
        await using var connection = await edge.ConnectAsync();
        var sent = new MemoryStream();
        for (var i = 0; i < 20; i++)
        {
            var body = i % 4 == 3 ? "{]"u8.ToArray() : "{}"u8.ToArray();
            sent.Write(Encoding.ASCII.GetBytes($"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"));
            sent.Write(body);
        }

        await connection.WriteAsync(sent.ToArray(), Deadline.Token());

        for (var i = 0; i < 20; i++)
        {
            Assert.StartsWith(i % 4 == 3 ? "HTTP/1.1 400 " : "HTTP/1.1 200 ", await ReadAnswerAsync(connection), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task After_a_refusal_the_connection_goes_on_over_HTTP_2()
    {
        // More than a connection's window in all: what a refused body leaves must not be missing from it.
        await using var edge = await HttpEdge.StartAsync(Small);
        for (var i = 0; i < 20; i++)
        {
            using var refused = await edge.PostAsync(new byte[MiB + 1], version: 2);
            using var taken = await edge.PostAsync(MessageOf(500_000), version: 2);

            Assert.Equal((HttpStatusCode.RequestEntityTooLarge, HttpStatusCode.OK), (refused.StatusCode, taken.StatusCode));
        }
    }

    [Fact]
    public async Task JSON_that_takes_more_as_protobuf_than_a_message_may_have_is_413()
    {
        await using var edge = await HttpEdge.StartAsync(Small);

        // Eight bytes each for the two of text.
        var bounds = string.Join(',', Enumerable.Repeat('1', 200_000));
        using var response = await edge.PostAsync(
            Encoding.UTF8.GetBytes($$$"""{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"explicitBounds":[{{{bounds}}}]}]}}]}]}]}"""),
            "application/json",
            path: "/v1/metrics");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task JSON_of_many_small_messages_is_refused_when_there_is_no_credit_for_it()
    {
        await using var edge = await HttpEdge.StartAsync(inFlightBytes: 2 * MiB);
        var stalled = new TaskCompletionSource<ExportReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        edge.Answer = () => stalled.Task;
        var waiting = edge.PostAsync(OneSpan);
        await Deadline.UntilAsync(() => !edge.Exported.IsEmpty, "the first request stalls in the upstream");

        // Three bytes of text each; as protobuf two, and eight while it is built.
        using var response = await edge.PostAsync(Encoding.UTF8.GetBytes($$"""{"resourceSpans":[{{string.Join(',', Enumerable.Repeat("{}", 200_000))}}]}"""), "application/json");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        stalled.SetResult(ExportReply.Accepted);
        using var first = await waiting;
    }

    [Theory]
    [InlineData("[", "]")]
    [InlineData("""{"a":""", "}")]
    public async Task JSON_nested_without_end_is_400(string open, string close)
    {
        await using var edge = await HttpEdge.StartAsync();
        var value = """{"arrayValue":{"values":[""";
        foreach (var text in new[] { Nested(open, close, "1"), $$"""{"unknown":{{Nested(open, close, "1")}}}""", $$$"""{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{{{Nested(value, "]}}", "{}")}}}}]}]}]}""" })
        {
            using var response = await edge.PostAsync(Encoding.UTF8.GetBytes(text), "application/json", path: "/v1/logs");
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }

        static string Nested(string open, string close, string core) =>
            new StringBuilder().Insert(0, open, 100_000).Append(core).Insert(0, "").Append(new StringBuilder().Insert(0, close, 100_000)).ToString();
    }

    private static byte[] MessageOf(int bytes)
    {
        var name = bytes;
        while (true)
        {
            var message = new TraceBuilder().Span(new string('x', name)).ToBytes();
            if (message.Length == bytes)
            {
                return message;
            }

            name -= message.Length - bytes;
        }
    }

    private static async Task WriteAsync(NetworkStream connection, string text) => await connection.WriteAsync(Encoding.ASCII.GetBytes(text), Deadline.Token());

    /// <summary>Head and body of one answer, no byte more.</summary>
    private static async Task<string> ReadAnswerAsync(NetworkStream connection)
    {
        var answer = new StringBuilder();
        var single = new byte[1];
        while (!answer.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await connection.ReadExactlyAsync(single, Deadline.Token());
            answer.Append((char)single[0]);
        }

        var length = System.Text.RegularExpressions.Regex.Match(answer.ToString(), @"\r\nContent-Length: (\d+)\r\n");
        if (length.Success)
        {
            var body = new byte[int.Parse(length.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)];
            await connection.ReadExactlyAsync(body, Deadline.Token());
            answer.Append(Encoding.UTF8.GetString(body));
        }

        return answer.ToString();
    }
}
