using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Buffers;
using OtlpTap.Configuration;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>
/// What the OTLP specification asks of a server that speaks OTLP/gRPC, a test for each demand, in the order of its
/// sections (https://opentelemetry.io/docs/specs/otlp/, version 1.9).
/// </summary>
public sealed class ConformanceTests
{
    private const int MiB = 1 << 20;

    private static readonly byte[] OneSpan = new TraceBuilder().Span("chat model").ToBytes();

    public static TheoryData<StatusCode> RetryableCodes =>
        [StatusCode.Cancelled, StatusCode.DeadlineExceeded, StatusCode.Aborted, StatusCode.OutOfRange, StatusCode.Unavailable, StatusCode.DataLoss, StatusCode.ResourceExhausted];

    public static TheoryData<string> SignalNames => [.. Enum.GetNames<Signal>()];

    // "Protocol Details": compression none and gzip.
    [Theory]
    [InlineData(null, false)]
    [InlineData("identity", false)]
    [InlineData("gzip", false)]
    [InlineData("gzip", true)]
    [InlineData("zstd", false)]
    [InlineData("zstd", true)]
    public async Task Compression_none_and_gzip_are_taken_and_zstd_as_well(string? encoding, bool compressed)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        using var response = await PostAsync(tap, Frame(compressed ? Compress(OneSpan, encoding!) : OneSpan, compressed ? (byte)1 : (byte)0), encoding);

        Assert.Equal("0", StatusOf(response));
        Assert.Equal(OneSpan, Assert.Single(upstream.Calls).Message);
    }

    [Theory]
    [InlineData("deflate")]
    [InlineData("snappy")]
    public async Task Another_compression_is_refused_with_the_names_of_those_that_are_taken(string encoding)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        using var response = await PostAsync(tap, Frame(OneSpan, flag: 1), encoding);

        Assert.Equal("12", StatusOf(response));
        Assert.Equal("identity,gzip,zstd", HeaderOf(response, "grpc-accept-encoding"));
        Assert.Empty(upstream.Calls);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(30)]
    public async Task Gzip_that_is_cut_off_is_never_acknowledged(int missing)
    {
        // Two resources: what can be decompressed may end exactly between them and be a well-formed request.
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        var message = new TraceBuilder().Span("first").Resource("second").Span("second").ToBytes();

        using var response = await PostAsync(tap, Frame(Gzip(message)[..^missing], flag: 1), "gzip");

        Assert.Equal("3", StatusOf(response));
        Assert.Empty(upstream.Calls);
        Assert.Equal(1, await tap.MetricAsync("""otlptap_refused_requests_total{signal="traces",reason="malformed"}"""));
    }

    // "OTLP/gRPC Request": a limit on the size, 64 MiB recommended, also after decompression; not retryable.
    [Fact]
    public async Task By_default_a_message_of_64_MiB_passes_and_one_byte_more_is_refused_for_good()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, exporter: ", timeout: 60s");
        var message = MessageOf(64 * MiB);

        Assert.Empty(await tap.ExportAsync(Signal.Traces, message));
        Assert.True(message.AsSpan().SequenceEqual(Assert.Single(upstream.Calls).Message));

        var refusal = await tap.RefusalOfAsync(Signal.Traces, MessageOf((64 * MiB) + 1));
        Assert.Equal(StatusCode.ResourceExhausted, refusal.StatusCode);
        Assert.Null(refusal.Trailers.GetValueBytes("grpc-status-details-bin"));

        using var compressed = await PostAsync(tap, Frame(Gzip(MessageOf((64 * MiB) + 1)), flag: 1), "gzip");
        Assert.Equal("8", StatusOf(compressed));
        Assert.Null(HeaderOf(compressed, "grpc-status-details-bin"));
        Assert.Single(upstream.Calls);
    }

    [Theory]
    [InlineData(65u << 20)]
    [InlineData(uint.MaxValue)]
    public async Task A_message_that_only_claims_to_be_over_the_limit_is_refused_for_its_size_too(uint length)
    {
        await using var tap = await RunningTap.StartAsync();
        var frame = Frame(OneSpan);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), length);

        using var response = await PostAsync(tap, frame);

        Assert.Equal("8", StatusOf(response));
        Assert.Equal(1, await tap.MetricAsync("""otlptap_refused_requests_total{signal="traces",reason="too_large"}"""));
    }

    // "OTLP/gRPC Concurrent Requests": many unary calls at a time, one response for each.
    [Fact]
    public async Task A_hundred_calls_at_a_time_get_a_response_each_and_nothing_is_lost_or_doubled()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        var replies = await Task.WhenAll(Enumerable.Range(0, 100).Select(number => tap.ExportAsync(Signal.Traces, new TraceBuilder().Span($"span {number}").ToBytes()))).InTime();

        Assert.All(replies, Assert.Empty);
        var names = upstream.Calls.SelectMany(call => ExportTraceServiceRequest.Parser.ParseFrom(call.Message).ResourceSpans)
            .SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans).Select(span => span.Name);
        Assert.Equal(Enumerable.Range(0, 100).Select(number => $"span {number}").Order(), names.Order());
    }

    // "OTLP/gRPC Response": a limit on the response, 4 MiB recommended; error_message is shortened to fit.
    [Fact]
    public async Task A_reply_of_4_MiB_comes_back_unchanged()
    {
        await using var upstream = await StubUpstream.StartAsync();
        var answer = PartialOf(1, 4 * MiB);
        upstream.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: answer);
        await using var tap = await RunningTap.StartAsync(upstream);

        var reply = await tap.ExportAsync(Signal.Traces, OneSpan);

        Assert.True(answer.AsSpan().SequenceEqual(reply));
    }

    [Fact]
    public async Task A_reply_that_the_tap_adds_to_is_shortened_to_4_MiB()
    {
        await using var upstream = await StubUpstream.StartAsync();
        var answer = PartialOf(1, 4 * MiB);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        upstream.Answer = async (context, _) =>
        {
            await gate.Task;
            await StubUpstream.ReplyAsync(context, StatusCode.OK, body: answer);
        };
        await using var tap = await RunningTap.StartAsync(upstream, exporter: ", timeout: 60s");

        // While some calls are under way what comes is joined into one, whose answer gets a note of that.
        var replies = await WhileCallsAreUnderWayAsync(tap, upstream, requests: 40, gate).InTime();

        Assert.Contains(replies, reply => !reply.AsSpan().SequenceEqual(answer));
        Assert.All(replies, reply =>
        {
            Assert.InRange(reply.Length, (4 * MiB) - 32, 4 * MiB);
            Assert.Equal(1, ExportTraceServiceResponse.Parser.ParseFrom(reply).PartialSuccess.RejectedSpans);
        });
    }

    [Fact]
    public async Task A_reply_of_the_upstream_over_4_MiB_is_RESOURCE_EXHAUSTED_and_not_to_be_retried()
    {
        await using var upstream = await StubUpstream.StartAsync();
        upstream.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: PartialOf(1, (4 * MiB) + 1));
        await using var tap = await RunningTap.StartAsync(upstream);

        var refusal = await tap.RefusalOfAsync(Signal.Traces, OneSpan);

        Assert.Equal(StatusCode.ResourceExhausted, refusal.StatusCode);
        Assert.Null(refusal.Trailers.GetValueBytes("grpc-status-details-bin"));
        Assert.Single(upstream.Calls);
    }

    // "Full Success": partial_success unset; an empty request should succeed.
    [Theory]
    [MemberData(nameof(SignalNames))]
    public async Task Full_success_leaves_partial_success_unset_with_an_upstream_and_without(string name)
    {
        var signal = Enum.Parse<Signal>(name);
        byte[] request = [0x0a, 0x00];
        await using var upstream = await StubUpstream.StartAsync();
        await using var through = await RunningTap.StartAsync(upstream);
        await using var alone = await RunningTap.StartAsync();

        Assert.Empty(await through.ExportAsync(signal, request));
        Assert.Empty(await alone.ExportAsync(signal, request));
        Assert.Empty(await through.ExportAsync(signal, []));
        Assert.Empty(await alone.ExportAsync(signal, []));
    }

    // "Partial Success": the count of what was rejected, or 0 with a message as a warning.
    [Theory]
    [MemberData(nameof(SignalNames))]
    public async Task Partial_success_and_warnings_come_back_as_the_upstream_wrote_them(string name)
    {
        var signal = Enum.Parse<Signal>(name);
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        foreach (var partial in new[] { new PartialSuccess(3, "too old"), new PartialSuccess(3, ""), new PartialSuccess(0, "nearly full") })
        {
            var answer = partial.ToResponse();
            upstream.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: answer);

            Assert.Equal(answer, await tap.ExportAsync(signal, [0x0a, 0x00]));
        }
    }

    // "Failures": which codes are retryable is the client's to read, so that no code may turn into another, and
    // RESOURCE_EXHAUSTED is retryable with RetryInfo alone, so that none may be added or lost.
    [Theory]
    [MemberData(nameof(RetryableCodes))]
    public async Task Retryable_codes_pass_with_and_without_RetryInfo_and_the_tap_adds_none(StatusCode code)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        upstream.Answer = (context, _) => StubUpstream.RefuseAsync(context, code, "later");
        var without = await tap.RefusalOfAsync(Signal.Logs, [0x0a, 0x00]);
        Assert.Equal((code, "later"), (without.StatusCode, without.Status.Detail));
        Assert.Null(without.Trailers.GetValueBytes("grpc-status-details-bin"));

        var details = StatusDetails.RetryInfo(code, "later", TimeSpan.FromSeconds(7));
        upstream.Answer = (context, _) => StubUpstream.RefuseAsync(context, code, "later", ("grpc-status-details-bin", Convert.ToBase64String(details)));
        var with = await tap.RefusalOfAsync(Signal.Logs, [0x0a, 0x00]);
        Assert.Equal((code, "later"), (with.StatusCode, with.Status.Detail));
        Assert.Equal(details, with.Trailers.GetValueBytes("grpc-status-details-bin"));
    }

    // "OTLP/gRPC Throttling": UNAVAILABLE with RetryInfo. The refusal in the pipeline is told in AnswersTests; this is
    // the one before the message has arrived.
    [Fact]
    public async Task Overload_is_UNAVAILABLE_with_RetryInfo_also_for_a_message_still_arriving()
    {
        await using var upstream = await StubUpstream.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        upstream.Answer = async (context, _) =>
        {
            await gate.Task;
            await StubUpstream.SucceedAsync(context);
        };
        await using var tap = await RunningTap.StartAsync(upstream, tap: "limits: { in_flight_mib: 4 }", grpc: ", max_recv_msg_size_mib: 3", exporter: ", timeout: 60s");
        var waiting = tap.Export(Signal.Traces, MessageOf(3 * MiB), cancellation: TestContext.Current.CancellationToken);
        await Deadline.UntilAsync(() => upstream.Calls.Count == 1, "the first request stalls in the upstream");

        var refusal = await tap.RefusalOfAsync(Signal.Traces, MessageOf(3 * MiB));

        Assert.Equal(StatusCode.Unavailable, refusal.StatusCode);
        Assert.True(StatusDetails.TryReadRetryDelay(refusal.Trailers.GetValueBytes("grpc-status-details-bin")!, out var delay));
        Assert.Equal(Refusals.RetryDelay, delay);
        gate.SetResult();
        Assert.Empty(await waiting.ResponseAsync.InTime());
    }

    // "OTLP/gRPC Default Port".
    [Fact]
    public void The_default_port_is_4317()
    {
        Assert.Equal(4317, new ConfigurationLoader().Load([]).Options!.Receivers[0].Grpc!.Endpoint.Tcp.Port);
    }

    // "Multi-Destination Exporting": what is slow stalls nothing else.
    [Fact]
    public async Task While_traces_stall_in_the_upstream_logs_and_metrics_flow()
    {
        await using var upstream = await StubUpstream.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        upstream.Answer = async (context, call) =>
        {
            if (call.Path == ExportServiceNames.PathOf(Signal.Traces))
            {
                await gate.Task;
            }

            await StubUpstream.SucceedAsync(context);
        };
        await using var tap = await RunningTap.StartAsync(upstream, exporter: ", timeout: 60s");
        var stalled = Enumerable.Range(0, 20).Select(_ => tap.ExportAsync(Signal.Traces, OneSpan)).ToList();

        Assert.Empty(await tap.ExportAsync(Signal.Logs, [0x0a, 0x00]).InTime());
        Assert.Empty(await tap.ExportAsync(Signal.Metrics, [0x0a, 0x00]).InTime());
        Assert.DoesNotContain(stalled, call => call.IsCompleted);
        gate.SetResult();
        await Task.WhenAll(stalled).InTime();
    }

    // "Duplicate Data": a client that was not answered sends again; to sort that out is the backend's.
    [Fact]
    public async Task What_a_client_sends_twice_is_forwarded_twice()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        await tap.ExportAsync(Signal.Traces, OneSpan);
        await tap.ExportAsync(Signal.Traces, OneSpan);

        Assert.Equal([OneSpan, OneSpan], upstream.Calls.Select(call => call.Message));
    }

    // For OTLP/HTTP a 200 is "Full Success": a sender that took the port for an HTTP one must not read its loss as that.
    [Theory]
    [InlineData("/v1/traces", "application/json", HttpStatusCode.NotFound)]
    [InlineData("/v1/traces", "application/x-protobuf", HttpStatusCode.NotFound)]
    [InlineData("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/json", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/x-protobuf", HttpStatusCode.UnsupportedMediaType)]
    public async Task A_request_that_is_no_gRPC_is_never_answered_with_HTTP_200(string path, string contentType, HttpStatusCode expected)
    {
        await using var tap = await RunningTap.StartAsync();

        // More than a stream's window, so that the answer has to come before the body is there.
        var body = Encoding.UTF8.GetBytes($$"""{"resourceSpans":[{"schemaUrl":"{{new string('x', 3 * MiB)}}"}]}""");
        using var response = await PostAsync(tap, body, contentType: contentType, path: path);

        Assert.Equal(expected, response.StatusCode);
    }

    // Trace Context (https://www.w3.org/TR/trace-context/): the tap is no participant of the traces it carries.
    [Fact]
    public async Task The_tap_sends_no_header_of_its_own_trace_and_passes_none_of_the_agents_on()
    {
        using var everything = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(everything);
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        await tap.Export(Signal.Traces, OneSpan, TraceContext(), cancellation: TestContext.Current.CancellationToken);

        Assert.Equal(
            ["content-type", "grpc-timeout", "host", "te", "user-agent"],
            Assert.Single(upstream.Calls).Headers.Keys.Where(name => !name.StartsWith(':')).Order());
    }

    [Fact]
    public async Task Trace_context_that_is_asked_for_passes_unchanged()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, tap: "forward_headers: [traceparent, tracestate]");

        await tap.Export(Signal.Traces, OneSpan, TraceContext(), cancellation: TestContext.Current.CancellationToken);

        var headers = Assert.Single(upstream.Calls).Headers;
        Assert.Equal(TraceContext().GetValue("traceparent"), headers["traceparent"]);
        Assert.Equal(TraceContext().GetValue("tracestate"), headers["tracestate"]);
        Assert.False(headers.ContainsKey("baggage"));
    }

    private static byte[] Compress(byte[] message, string encoding)
    {
        if (encoding == "gzip")
        {
            return Gzip(message);
        }

        using var zstd = new ZstdSharp.Compressor();
        return zstd.Wrap(message).ToArray();
    }

    private static Grpc.Core.Metadata TraceContext() => new()
    {
        { "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
        { "tracestate", "vendor=a" },
        { "baggage", "k=v" },
    };

    /// <summary>Sends until one upstream call carries several requests, then lets the upstream answer.</summary>
    private static async Task<byte[][]> WhileCallsAreUnderWayAsync(RunningTap tap, StubUpstream upstream, int requests, TaskCompletionSource gate)
    {
        var first = Enumerable.Range(0, 4).Select(_ => tap.ExportAsync(Signal.Traces, OneSpan)).ToList();
        await Deadline.UntilAsync(() => !upstream.Calls.IsEmpty, "the first calls are under way");
        var rest = Enumerable.Range(0, requests).Select(_ => tap.ExportAsync(Signal.Traces, OneSpan)).ToList();
        await Deadline.UntilAsync(() => tap.MetricAsync("""otlptap_received_requests_total{signal="traces"}""").GetAwaiter().GetResult() == requests + 4, "all requests arrived");
        gate.SetResult();
        return await Task.WhenAll([.. first, .. rest]);
    }

    /// <summary>A request with one span, of exactly so many bytes.</summary>
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

    /// <summary>A response of exactly so many bytes.</summary>
    private static byte[] PartialOf(int rejected, int bytes)
    {
        var text = bytes;
        while (true)
        {
            var response = new ExportTraceServiceResponse { PartialSuccess = new ExportTracePartialSuccess { RejectedSpans = rejected, ErrorMessage = new string('x', text) } }.ToByteArray();
            if (response.Length == bytes)
            {
                return response;
            }

            text -= response.Length - bytes;
        }
    }

    private static async Task<HttpResponseMessage> PostAsync(RunningTap tap, byte[] body, string? encoding = null, string contentType = "application/grpc", string? path = null)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{tap.Host.GrpcEndpoint}{path ?? ExportServiceNames.PathOf(Signal.Traces)}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new(contentType);
        request.Headers.Add("te", "trailers");
        if (encoding is not null)
        {
            request.Headers.Add("grpc-encoding", encoding);
        }

        return await http.SendAsync(request, Deadline.Token());
    }

    private static string? StatusOf(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return HeaderOf(response, "grpc-status");
    }

    private static string? HeaderOf(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values) ? string.Join(',', values) : null;

    private static byte[] Frame(byte[] message, byte flag = 0)
    {
        var frame = new byte[Payload.FrameHeaderLength + message.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, Payload.FrameHeaderLength);
        return frame;
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return buffer.ToArray();
    }
}
