using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.OtlpHttp;

/// <summary>The whole way of an <c>otlp_http</c> exporter, from the forwarder to a server that others wrote.</summary>
public sealed class OtlpHttpTransportTests
{
    private static readonly byte[] Spans = new TraceBuilder().Span("a").Span("b", ("k", "v")).Request.ToByteArray();

    [Fact]
    public async Task A_request_arrives_byte_for_byte_with_what_belongs_to_it_and_204_is_success()
    {
        await using var stub = await StartAsync((context, _) => StubUpstream.AnswerHttpAsync(context, 204));
        await using var setup = ForwardSetup.Of(Options(stub, "/otlp") with { Forward = Forward(stub, "/otlp") with { Headers = [("x-scope-orgid", "pinned"), ("x-zone", "eu")], UserAgent = "tap/9", Authority = "loki.example.com" } });
        var metadata = new RequestMetadata([("authorization", "Bearer secret"), ("x-scope-orgid", "chosen"), ("content-type", "text/evil")]);

        var small = await setup.SendAsync(Spans, metadata, Signal.Logs).InTime();
        var large = await setup.SendAsync(Large(), metadata, Signal.Metrics).InTime();

        Assert.Same(ExportReply.Accepted, small);
        Assert.Same(ExportReply.Accepted, large);
        Assert.Equal(["/otlp/v1/logs", "/otlp/v1/metrics"], stub.Calls.Select(call => call.Path));
        var call = stub.Calls.First();
        Assert.Equal(Spans, call.Body);
        Assert.Equal(Large(), stub.Calls.Last().Body);
        Assert.Equal("application/x-protobuf", call.Headers["content-type"]);
        Assert.Equal("Bearer secret", call.Headers["authorization"]);
        Assert.Equal("pinned", call.Headers["x-scope-orgid"]);
        Assert.Equal("eu", call.Headers["x-zone"]);
        Assert.Equal("tap/9", call.Headers["user-agent"]);
        Assert.Equal("loki.example.com", call.Headers["host"]);
        Assert.Equal($"{Spans.Length}", call.Headers["content-length"]);
        Assert.False(call.Headers.ContainsKey("traceparent"));
        Assert.False(call.Headers.ContainsKey("accept-encoding"));
        Assert.Equal(1, stub.Connections);
        Assert.True(setup.Forwarder.IsReachable);
    }

    [Fact]
    public async Task Joined_requests_arrive_as_one_whose_items_are_all_of_theirs()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stub = await StartAsync(async (context, _) =>
        {
            await release.Task;
            await StubUpstream.AnswerHttpAsync(context, 200);
        });
        await using var setup = ForwardSetup.Of(Options(stub) with { Forward = Forward(stub) with { CallsInFlightMax = 1 } });

        var replies = Enumerable.Range(0, 20).Select(_ => setup.SendAsync(Spans)).ToArray();
        release.SetResult();
        Assert.All(await Task.WhenAll(replies).InTime(), reply => Assert.Same(ExportReply.Accepted, reply));

        Assert.Equal(2, stub.Calls.Count);
        Assert.Equal(Enumerable.Repeat(Spans, 19).SelectMany(bytes => bytes), stub.Calls.Last().Body);
        Assert.Equal(19, ExportTraceServiceRequest.Parser.ParseFrom(stub.Calls.Last().Body).ResourceSpans.Count);
    }

    [Theory]
    [InlineData(nameof(Compression.None))]
    [InlineData(nameof(Compression.Gzip))]
    [InlineData(nameof(Compression.Zstd))]
    public async Task JSON_is_written_once_for_all_that_is_joined(string compressionName)
    {
        var compression = Enum.Parse<Compression>(compressionName);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stub = await StartAsync(async (context, _) =>
        {
            await release.Task;
            await StubUpstream.AnswerHttpAsync(context, 200, "application/json", "{}"u8.ToArray());
        });
        await using var setup = ForwardSetup.Of(Options(stub) with { IsJson = true, Forward = Forward(stub) with { CallsInFlightMax = 1, Compression = compression } });

        var replies = Enumerable.Range(0, 4).Select(_ => setup.SendAsync(Spans)).ToArray();
        release.SetResult();
        Assert.All(await Task.WhenAll(replies).InTime(), reply => Assert.Same(ExportReply.Accepted, reply));

        Assert.Equal(2, stub.Calls.Count);
        var joined = stub.Calls.Last();
        Assert.Equal("application/json", joined.Headers["content-type"]);
        Assert.Equal(compression.Name(), joined.Headers.GetValueOrDefault("content-encoding"));
        var request = new System.Buffers.ArrayBufferWriter<byte>();
        Assert.True(OtlpJson.TryRead(Signal.Traces, joined.Decompressed, request, out var error), error.ToString());
        Assert.Equal(ExportTraceServiceRequest.Parser.ParseFrom([.. Spans, .. Spans, .. Spans]), ExportTraceServiceRequest.Parser.ParseFrom(request.WrittenSpan));
    }

    [Fact]
    public async Task An_upstreams_refusal_comes_back_with_its_words_its_HTTP_status_and_when_to_come_again()
    {
        var now = new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
        var time = new FakeTimeProvider(now);
        await using var stub = await StartAsync((context, _) => Task.CompletedTask);
        await using var setup = ForwardSetup.Of(Options(stub), time);
        var refusals = new Queue<(int Status, string Type, byte[] Body, string? RetryAfter)>([
            (400, "application/x-protobuf", StatusDetails.BadRequest(StatusCode.InvalidArgument, "bad", "f", "d"), null),
            (429, "text/plain", "slow down"u8.ToArray(), "17"),
            (503, "application/json", """{"code":14,"message":"later"}"""u8.ToArray(), now.AddSeconds(90).ToString("R", System.Globalization.CultureInfo.InvariantCulture)),
            (503, "text/plain", "gone by"u8.ToArray(), now.AddSeconds(-90).ToString("R", System.Globalization.CultureInfo.InvariantCulture)),
            (503, "text/plain", "no sense"u8.ToArray(), "soon"),
        ]);
        stub.Answer = (context, _) =>
        {
            var (status, type, body, retryAfter) = refusals.Dequeue();
            return StubUpstream.AnswerHttpAsync(context, status, type, body, retryAfter is null ? [] : [("Retry-After", retryAfter)]);
        };

        Assert.Equal((StatusCode.InvalidArgument, "bad", 400, null), Seen(await setup.SendAsync(Spans).InTime()));
        Assert.Equal((StatusCode.ResourceExhausted, "slow down", 429, 17), Seen(await setup.SendAsync(Spans).InTime()));
        Assert.Equal((StatusCode.Unavailable, "later", 503, 90), Seen(await setup.SendAsync(Spans).InTime()));
        Assert.Equal((StatusCode.Unavailable, "gone by", 503, 0), Seen(await setup.SendAsync(Spans).InTime()));
        Assert.Equal((StatusCode.Unavailable, "no sense", 503, null), Seen(await setup.SendAsync(Spans).InTime()));

        static (StatusCode, string, int, double?) Seen(ExportReply reply) =>
            (reply.Status, reply.Message, reply.HttpStatus, FailureKind.TryGetRetryDelay(reply, out var delay) ? delay.TotalSeconds : null);
    }

    [Fact]
    public async Task A_redirect_is_not_followed_for_it_would_take_telemetry_and_credentials_elsewhere()
    {
        await using var elsewhere = await StartAsync((context, _) => StubUpstream.AnswerHttpAsync(context, 200));
        await using var stub = await StartAsync((context, _) => StubUpstream.AnswerHttpAsync(context, 307, null, null, ("Location", $"http://{elsewhere.Endpoint}/v1/traces")));
        await using var setup = ForwardSetup.Of(Options(stub));

        var reply = await setup.SendAsync(Spans).InTime();

        Assert.Equal((StatusCode.Unknown, 307), (reply.Status, reply.HttpStatus));
        Assert.Empty(elsewhere.Calls);
    }

    [Fact]
    public async Task An_upstream_that_is_down_is_UNAVAILABLE_at_once_and_closes_the_gate_until_it_is_back()
    {
        var time = new FakeTimeProvider();
        var stub = await StartAsync((context, _) => StubUpstream.AnswerHttpAsync(context, 200));
        await using var setup = ForwardSetup.Of(Options(stub), time);
        Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans).InTime());
        await stub.DisposeAsync();

        ExportReply down;
        do
        {
            down = await setup.SendAsync(Spans).InTime();
            Assert.Equal((StatusCode.Unavailable, 0), (down.Status, down.HttpStatus));
        }
        while (!down.Message.Contains("cannot connect", StringComparison.Ordinal));

        Assert.Equal($"upstream {stub.Endpoint}: cannot connect: Connection refused", down.Message);
        Assert.False(setup.Forwarder.IsReachable);
        Assert.True(FailureKind.TryGetRetryDelay(await setup.SendAsync(Spans).InTime(), out _));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(await setup.Forwarder.ProbeAsync(Deadline.Token()));

        await using var again = await StubUpstream.StartAsync(stub.Port, protocols: HttpProtocols.Http1);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(await setup.Forwarder.ProbeAsync(Deadline.Token()));
        Assert.Empty(again.Calls);
    }

    [Fact]
    public async Task A_signal_without_a_URL_is_refused_for_good()
    {
        await using var stub = await StartAsync((context, _) => StubUpstream.AnswerHttpAsync(context, 200));
        await using var setup = ForwardSetup.Of(new OtlpHttpExporterOptions("otlp_http/logs", new ForwardOptions { Endpoint = "" }) { LogsEndpoint = $"http://{stub.Endpoint}/insert" });

        Assert.Equal(StatusCode.Unimplemented, (await setup.SendAsync(Spans).InTime()).Status);
        Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans, signal: Signal.Logs).InTime());
        Assert.Equal("/insert", Assert.Single(stub.Calls).Path);
    }

    [Fact]
    public async Task An_upstream_that_does_not_answer_ends_the_call_in_its_time_and_its_bytes_come_back()
    {
        var time = new FakeTimeProvider();
        await using var stub = await StartAsync((context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var setup = ForwardSetup.Of(Options(stub), time);

        var reply = setup.SendAsync(Spans);
        await Deadline.UntilAsync(() => !stub.Calls.IsEmpty, "the request is there");
        time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal((StatusCode.Unavailable, $"upstream {stub.Endpoint}: no answer within 5 s"), Text(await reply.InTime()));
        await setup.AssertAllCameBackAsync();
    }

    [Theory]
    [InlineData(200, "application/x-protobuf")]
    [InlineData(200, "application/json")]
    [InlineData(200, "text/plain")]
    [InlineData(400, "application/x-protobuf")]
    [InlineData(503, "application/json")]
    [InlineData(500, "text/html")]
    public async Task An_answer_without_end_is_read_to_a_bound_and_no_further(int status, string type)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeEndlesslyAsync(listener, $"HTTP/1.1 {status} X\r\nContent-Type: {type}\r\nTransfer-Encoding: chunked\r\n\r\n");
        await using var setup = ForwardSetup.Of(new OtlpHttpExporterOptions("otlp_http", new ForwardOptions { Endpoint = $"http://{listener.LocalEndpoint}" }));

        var reply = await setup.SendAsync(Spans).InTime();

        Assert.Equal(status == 200 && type == "text/plain", reply.Status == StatusCode.OK);
        Assert.InRange(await serving.InTime(), 1, 32 << 20);
    }

    [Theory]
    [InlineData(200, StatusCode.Internal)]
    [InlineData(503, StatusCode.Unavailable)]
    public async Task A_compressed_answer_is_not_decompressed_so_that_no_bomb_goes_off(int status, StatusCode expected)
    {
        using var bomb = new MemoryStream();
        using (var gzip = new GZipStream(bomb, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(new byte[16 << 20]);
        }

        await using var stub = await StartAsync((context, _) => StubUpstream.AnswerHttpAsync(context, status, "application/json", bomb.ToArray(), ("Content-Encoding", "gzip")));
        await using var setup = ForwardSetup.Of(Options(stub));

        Assert.Equal(expected, (await setup.SendAsync(Spans).InTime()).Status);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: application/x-protobuf\r\n\r\nshort", "connection lost")]
    [InlineData("", "connection lost")]
    [InlineData("SSH-2.0-OpenSSH\r\n", "connection lost")]
    [InlineData("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\nContent-Type: text/plain\r\n\r\nshort", "short")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: not a type at all;;;\r\nContent-Length: 0\r\n\r\n", "")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: ::::\r\nContent-Length: 0\r\n\r\n", "answered HTTP 302")]
    public async Task Broken_answers_end_in_a_reply(string answer, string expected)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeOnceAsync(listener, answer);
        await using var setup = ForwardSetup.Of(new OtlpHttpExporterOptions("otlp_http", new ForwardOptions { Endpoint = $"http://{listener.LocalEndpoint}" }));

        var reply = await setup.SendAsync(Spans).InTime();

        Assert.Contains(expected, reply.Message, StringComparison.Ordinal);
        Assert.Equal(expected.Length == 0, reply.Status == StatusCode.OK);
        await serving.InTime();
    }

    [Fact]
    public async Task New_connections_take_turns_over_all_addresses_and_a_dead_one_fails_no_request()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Func<HttpContext, StubCall, Task> answer = async (context, _) =>
        {
            await gate.Task;
            await StubUpstream.AnswerHttpAsync(context, 200);
        };
        await using var first = await StartAsync(answer);
        await using var second = await StubUpstream.StartAsync(first.Port, protocols: HttpProtocols.Http1, address: IPAddress.Parse("127.0.0.2"));
        second.Answer = answer;
        var resolver = new TestResolver("127.0.0.1", "127.0.0.3", "127.0.0.2");
        var exporter = new OtlpHttpExporterOptions("otlp_http", new ForwardOptions { Endpoint = $"http://several.test:{first.Port}" });
        Assert.True(OtlpTap.Forward.OtlpHttp.OtlpHttpEndpoints.TryParse(exporter, out var endpoints, out _));
        var options = UpstreamOptions.From(exporter.Forward, endpoints.Hosts[0]) with { Resolve = resolver.ResolveAsync };
        await using var transport = new OtlpTap.Forward.OtlpHttp.OtlpHttpTransport(exporter, endpoints, options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<OtlpTap.Forward.OtlpHttp.OtlpHttpTransport>.Instance);

        var calls = Enumerable.Range(0, 12).Select(i => transport.CallAsync(Signal.Traces, Http2.TestBodies.Body(100, i), RequestMetadata.Empty, Deadline.Token()).AsTask()).ToArray();
        await Deadline.UntilAsync(() => first.Calls.Count + second.Calls.Count == 12, "all calls have arrived");
        gate.SetResult();

        Assert.All(await Task.WhenAll(calls).InTime(), reply => Assert.Equal(UpstreamAnswer.Accepted, reply));
        Assert.InRange(first.Calls.Count, 2, 10);
        Assert.InRange(second.Calls.Count, 2, 10);
    }

    [Fact]
    public async Task No_more_connections_are_made_than_max_conns_per_host_says()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stub = await StartAsync(async (context, _) =>
        {
            await gate.Task;
            await StubUpstream.AnswerHttpAsync(context, 200);
        });
        await using var setup = ForwardSetup.Of(Options(stub) with { ConnectionsMax = 2, Forward = Forward(stub) with { JoinBytesMax = 0 } });

        var replies = Enumerable.Range(0, 10).Select(_ => setup.SendAsync(Spans)).ToArray();
        await Deadline.UntilAsync(() => stub.Calls.Count == 2, "two are there");
        gate.SetResult();

        Assert.All(await Task.WhenAll(replies).InTime(), reply => Assert.Same(ExportReply.Accepted, reply));
        Assert.Equal(2, stub.Connections);
    }

    [Fact]
    public async Task A_proxy_gets_requests_in_the_clear_whole_and_a_tunnel_for_those_over_TLS()
    {
        using var certificates = new TestCertificates();
        await using var clear = await StartAsync((context, _) => StubUpstream.AnswerHttpAsync(context, 200));
        await using var secured = await StubUpstream.StartAsync(certificate: certificates.Issue("secured.test"), protocols: HttpProtocols.Http1AndHttp2);
        secured.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 200);
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var asked = new List<string>();
        var proxying = ProxyAsync(proxy, secured.Port, asked);

        // The clear one is itself the proxy here: it sees the URL that another one would pass on.
        await using (var setup = ForwardSetup.Of(new OtlpHttpExporterOptions("otlp_http", new ForwardOptions { Endpoint = "http://far.test:4318" }) { ProxyUrl = $"http://{clear.Endpoint}" }))
        {
            Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans).InTime());
        }

        Assert.Equal("far.test:4318", Assert.Single(clear.Calls).Headers["host"]);
        await using (var setup = ForwardSetup.Of(new OtlpHttpExporterOptions("otlp_http", new ForwardOptions { Endpoint = "https://secured.test:4318", CaFile = certificates.AuthorityFile }) { ProxyUrl = $"http://user:pass%20word@{proxy.LocalEndpoint}" }))
        {
            Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans).InTime());
        }

        Assert.Equal(Spans, Assert.Single(secured.Calls).Body);
        Assert.StartsWith("CONNECT secured.test:4318 HTTP/1.1\r\n", asked[0], StringComparison.Ordinal);
        Assert.Contains($"Proxy-Authorization: Basic {Convert.ToBase64String("user:pass word"u8)}\r\n", asked[0], StringComparison.Ordinal);
        proxy.Stop();
        await proxying.InTime();
    }

    private static async Task<StubUpstream> StartAsync(Func<HttpContext, StubCall, Task> answer)
    {
        var stub = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);
        stub.Answer = answer;
        return stub;
    }

    private static ForwardOptions Forward(StubUpstream stub, string path = "") => new() { Endpoint = $"http://{stub.Endpoint}{path}" };

    private static OtlpHttpExporterOptions Options(StubUpstream stub, string path = "") => new("otlp_http/test", Forward(stub, path));

    private static (StatusCode, string) Text(ExportReply reply) => (reply.Status, reply.Message);

    private static byte[] Large() => Http2.TestBodies.Bytes(300_000);

    private static async Task<long> ServeEndlesslyAsync(TcpListener listener, string head)
    {
        using var client = await listener.AcceptTcpClientAsync(Deadline.Token());
        var stream = client.GetStream();
        await ReadRequestAsync(stream);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head), Deadline.Token());
        byte[] chunk = [.. "10000\r\n"u8, .. new byte[1 << 16], .. "\r\n"u8];
        long sent = 0;
        try
        {
            while (true)
            {
                await stream.WriteAsync(chunk, Deadline.Token());
                sent += chunk.Length;
            }
        }
        catch (IOException)
        {
            return sent;
        }
    }

    private static async Task ServeOnceAsync(TcpListener listener, string answer)
    {
        using var client = await listener.AcceptTcpClientAsync(Deadline.Token());
        var stream = client.GetStream();
        await ReadRequestAsync(stream);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(answer), Deadline.Token());
    }

    private static async Task ReadRequestAsync(NetworkStream stream)
    {
        var received = new List<byte>();
        var buffer = new byte[4096];
        while (!received.ToArray().AsSpan().EndsWith(Spans))
        {
            var count = await stream.ReadAsync(buffer, Deadline.Token());
            received.AddRange(buffer.AsSpan(0, count));
        }
    }

    // Accepts until it is stopped; each line becomes a tunnel to the port, whatever host was asked for.
    private static async Task ProxyAsync(TcpListener listener, int port, List<string> asked)
    {
        try
        {
            while (true)
            {
                _ = TunnelAsync(await listener.AcceptTcpClientAsync(Deadline.Token()), port, asked);
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private static async Task TunnelAsync(TcpClient client, int port, List<string> asked)
    {
        using var one = client;
        using var other = new TcpClient();
        var head = new StringBuilder();
        var next = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await one.GetStream().ReadExactlyAsync(next, Deadline.Token());
            head.Append((char)next[0]);
        }

        lock (asked)
        {
            asked.Add(head.ToString());
        }

        await other.ConnectAsync(IPAddress.Loopback, port, Deadline.Token());
        await one.GetStream().WriteAsync("HTTP/1.1 200 Connection established\r\nX-Proxy: test\r\n\r\n"u8.ToArray(), Deadline.Token());
        await Task.WhenAny(one.GetStream().CopyToAsync(other.GetStream()), other.GetStream().CopyToAsync(one.GetStream()));
    }
}
