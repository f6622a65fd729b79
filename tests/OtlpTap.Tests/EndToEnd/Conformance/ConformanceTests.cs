using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Configuration;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd.Conformance;

/// <summary>
/// What the OTLP specification asks of a server, against a running tap over gRPC, HTTP with protobuf and HTTP with JSON
/// (https://opentelemetry.io/docs/specs/otlp/, version 1.11). The rows are <see cref="Requirements"/>; docs/conformance.md
/// shows them with the tests below.
/// </summary>
public sealed class ConformanceTests
{
    private const int MiB = 1 << 20;

    private static readonly byte[] OneSpan = new TraceBuilder().Span("chat model").ToBytes();

    public static TheoryData<Protocol> EachProtocol => [.. Enum.GetValues<Protocol>()];

    public static TheoryData<Protocol> EachHttp => [Protocol.HttpProtobuf, Protocol.HttpJson];

    public static TheoryData<Protocol, string> EachProtocolAndSignal => [.. from protocol in Enum.GetValues<Protocol>() from signal in Enum.GetNames<Signal>() select (protocol, signal)];

    public static TheoryData<Protocol, StatusCode> EachProtocolAndError =>
        [.. from protocol in Enum.GetValues<Protocol>() from code in Enum.GetValues<StatusCode>() where code != StatusCode.OK select (protocol, code)];

    public static TheoryData<Protocol, string?> EachProtocolAndCompression =>
        [.. from protocol in Enum.GetValues<Protocol>() from encoding in new[] { null, "identity", "gzip", "zstd" } select (protocol, encoding)];

    [Theory]
    [MemberData(nameof(EachProtocolAndCompression))]
    [Shows("1")]
    public async Task Compression_none_and_gzip_are_taken_and_zstd_as_well(Protocol protocol, string? encoding)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);

        Assert.True((await sender.ExportAsync(Signal.Traces, OneSpan, encoding)).IsSuccess);

        Assert.Equal(OneSpan, Assert.Single(upstream.Calls).Message);
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    [Shows("1")]
    public async Task Another_compression_is_refused_for_good_with_the_names_of_those_that_are_taken(Protocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);

        var body = protocol == Protocol.Grpc ? Sender.Frame(OneSpan, flag: 1) : OneSpan;
        var answer = await sender.SendBodyAsync(body, encoding: "br");

        Assert.Equal((false, false), (answer.IsSuccess, answer.IsRetryable));
        Assert.Equal(
            protocol == Protocol.Grpc ? "identity,gzip,zstd" : "zstd,gzip,snappy,deflate,zlib",
            Answer.HeaderOf(answer.Response, protocol == Protocol.Grpc ? "grpc-accept-encoding" : "Accept-Encoding")!.Replace(" ", "", StringComparison.Ordinal));
        Assert.Empty(upstream.Calls);
    }

    [Theory]
    [InlineData(Protocol.Grpc, 1)]
    [InlineData(Protocol.Grpc, 8)]
    [InlineData(Protocol.Grpc, 30)]
    [InlineData(Protocol.HttpProtobuf, 1)]
    [InlineData(Protocol.HttpProtobuf, 8)]
    [InlineData(Protocol.HttpProtobuf, 30)]
    [InlineData(Protocol.HttpJson, 1)]
    [Shows("1")]
    public async Task Gzip_that_is_cut_off_is_never_acknowledged(Protocol protocol, int missing)
    {
        // Two resources: what can be decompressed may end exactly between them and be a well-formed request.
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);
        var gzip = Sender.Gzip(Protocols.MessageOf(protocol, Signal.Traces, new TraceBuilder().Span("first").Resource("second").Span("second").ToBytes()))[..^missing];

        var answer = await sender.SendBodyAsync(protocol == Protocol.Grpc ? Sender.Frame(gzip, flag: 1) : gzip, encoding: "gzip");

        Assert.Equal((false, false), (answer.IsSuccess, answer.IsRetryable));
        Assert.Empty(upstream.Calls);
        Assert.Equal(1, await tap.MetricAsync("""otlptap_refused_requests_total{signal="traces",reason="malformed"}"""));
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    [Shows("2")]
    [Shows("13")]
    [Shows("C1")]
    [Shows("C2")]
    [Shows("C3")]
    public async Task By_default_a_message_of_64_MiB_passes_and_one_byte_more_is_refused_for_good(Protocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, exporter: ", timeout: 60s");
        using var sender = new Sender(tap, protocol);

        Assert.True((await sender.SendAsync(Protocols.MessageOf(protocol, 64 * MiB))).IsSuccess);
        Assert.InRange(Assert.Single(upstream.Calls).Message.Length, (64 * MiB) - 1024, 64 * MiB);

        foreach (var encoding in new[] { null, "gzip" })
        {
            var refused = await sender.SendAsync(Protocols.MessageOf(protocol, (64 * MiB) + 1), encoding: encoding);
            Assert.Equal((false, false, null), (refused.IsSuccess, refused.IsRetryable, refused.RetryInfo));
            Assert.Equal(protocol == Protocol.Grpc ? 200 : 413, refused.HttpStatus);
            Assert.Equal(StatusCode.ResourceExhausted, (StatusCode)refused.Details!.Value.Code);
        }

        Assert.Single(upstream.Calls);
    }

    [Theory]
    [InlineData(65u << 20)]
    [InlineData(uint.MaxValue)]
    [Shows("2")]
    public async Task A_message_that_only_claims_to_be_over_the_limit_is_refused_for_its_size_too(uint length)
    {
        await using var tap = await RunningTap.StartAsync();
        using var sender = new Sender(tap, Protocol.Grpc);
        var frame = Sender.Frame(OneSpan);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), length);

        Assert.Equal(StatusCode.ResourceExhausted, (await sender.SendBodyAsync(frame)).GrpcStatus);
        Assert.Equal(1, await tap.MetricAsync("""otlptap_refused_requests_total{signal="traces",reason="too_large"}"""));
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    [Shows("3")]
    public async Task A_hundred_calls_at_a_time_get_a_response_each_and_nothing_is_lost_or_doubled(Protocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(number => sender.ExportAsync(Signal.Traces, new TraceBuilder().Span($"span {number}").ToBytes()))).InTime();

        Assert.All(answers, answer => Assert.True(answer.IsSuccess, answer.ToString()));
        var names = upstream.Calls.SelectMany(call => ExportTraceServiceRequest.Parser.ParseFrom(call.Message).ResourceSpans)
            .SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans).Select(span => span.Name);
        Assert.Equal(Enumerable.Range(0, 100).Select(number => $"span {number}").Order(), names.Order());
    }

    [Theory]
    [InlineData(Protocol.Grpc)]
    [InlineData(Protocol.HttpProtobuf)]
    [Shows("4")]
    [Shows("14")]
    public async Task A_response_of_4_MiB_comes_back_unchanged(Protocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        var response = PartialOf(1, 4 * MiB);
        upstream.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: response);
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);

        var answer = await sender.ExportAsync(Signal.Traces, OneSpan);

        Assert.True(response.AsSpan().SequenceEqual(answer.Body));
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    [Shows("4")]
    [Shows("14")]
    public async Task A_response_that_the_tap_adds_to_is_shortened_to_4_MiB(Protocol protocol)
    {
        // Here by the JSON that it becomes, or by the note that the request was one of several in a call.
        await using var upstream = await StubUpstream.StartAsync();
        var response = PartialOf(1, 4 * MiB);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        upstream.Answer = async (context, _) =>
        {
            await gate.Task;
            await StubUpstream.ReplyAsync(context, StatusCode.OK, body: response);
        };
        await using var tap = await RunningTap.StartAsync(upstream, exporter: ", timeout: 60s");
        using var sender = new Sender(tap, protocol);

        var answers = await WhileCallsAreUnderWayAsync(tap, sender, upstream, requests: 40, gate).InTime();

        Assert.Contains(answers, answer => !answer.Body.AsSpan().SequenceEqual(response));
        Assert.All(answers, answer =>
        {
            Assert.InRange(answer.Body.Length, MiB / 2, 4 * MiB);
            Assert.Equal(1, answer.Partial!.Value.Rejected);
        });
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    [Shows("4")]
    [Shows("14")]
    public async Task A_response_of_the_upstream_over_4_MiB_is_an_error_that_is_not_to_be_retried(Protocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        upstream.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: PartialOf(1, (4 * MiB) + 1));
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);

        var refused = await sender.ExportAsync(Signal.Traces, OneSpan);

        Assert.Equal((false, false), (refused.IsSuccess, refused.IsRetryable));
        Assert.Equal(protocol == Protocol.Grpc ? 200 : 500, refused.HttpStatus);
        Assert.Equal(StatusCode.ResourceExhausted, (StatusCode)refused.Details!.Value.Code);
        Assert.Single(upstream.Calls);
    }

    [Theory]
    [MemberData(nameof(EachProtocolAndSignal))]
    [Shows("5")]
    [Shows("15")]
    [Shows("23")]
    public async Task Full_success_leaves_partial_success_unset_with_an_upstream_and_without(Protocol protocol, string name)
    {
        var signal = Enum.Parse<Signal>(name);
        byte[] envelope = [0x0a, 0x00];
        await using var upstream = await StubUpstream.StartAsync();
        await using var through = await RunningTap.StartAsync(upstream);
        await using var alone = await RunningTap.StartAsync();
        foreach (var tap in new[] { through, alone })
        {
            using var sender = new Sender(tap, protocol);
            foreach (var request in new[] { envelope, [] })
            {
                var answer = await sender.ExportAsync(signal, request);
                Assert.Equal((true, null), (answer.IsSuccess, answer.Partial));
                Assert.Equal(protocol == Protocol.HttpJson ? "{}" : "", Encoding.UTF8.GetString(answer.Body));
            }
        }

        Assert.Equal(envelope, Assert.Single(upstream.Calls).Message);
    }

    [Theory]
    [MemberData(nameof(EachProtocolAndSignal))]
    [Shows("6")]
    [Shows("15")]
    public async Task Partial_success_and_warnings_come_back_as_the_upstream_wrote_them(Protocol protocol, string name)
    {
        var signal = Enum.Parse<Signal>(name);
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);
        foreach (var partial in new[] { new PartialSuccess(3, "too old"), new PartialSuccess(3, ""), new PartialSuccess(0, "nearly full") })
        {
            upstream.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: partial.ToResponse());

            Assert.Equal(partial, (await sender.ExportAsync(signal, [0x0a, 0x00])).Partial);
        }
    }

    [Theory]
    [MemberData(nameof(EachProtocolAndSignal))]
    [Shows("6")]
    [Shows("C4")]
    public async Task Items_that_the_tap_rejects_are_counted_in_partial_success_and_the_rest_goes_on(Protocol protocol, string name)
    {
        var signal = Enum.Parse<Signal>(name);
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, tap: "on_invalid: reject_item");
        using var sender = new Sender(tap, protocol);

        var answer = await sender.ExportAsync(signal, Invalid.OneOfTwo(signal));

        Assert.Equal(1, answer.Partial!.Value.Rejected);
        Assert.NotEmpty(answer.Partial.Value.Message);
        Assert.Equal(1, ItemCount.Of(signal, Assert.Single(upstream.Calls).Message));
    }

    [Theory]
    [MemberData(nameof(EachProtocolAndError))]
    [Shows("7")]
    [Shows("17")]
    [Shows("20")]
    [Shows("C5")]
    public async Task A_status_is_retryable_for_the_sender_when_and_only_when_the_upstreams_is(Protocol protocol, StatusCode code)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);
        var isRetryable = code is StatusCode.Cancelled or StatusCode.DeadlineExceeded or StatusCode.Aborted or StatusCode.OutOfRange or StatusCode.Unavailable or StatusCode.DataLoss;

        upstream.Answer = (context, _) => StubUpstream.RefuseAsync(context, code, "later");
        var without = await sender.ExportAsync(Signal.Logs, [0x0a, 0x00]);
        Assert.Equal((isRetryable, null, null), (without.IsRetryable, without.RetryInfo, without.RetryAfter));
        Assert.Equal((code, "later"), ((StatusCode)without.Details!.Value.Code, without.Details.Value.Message));

        var details = StatusDetails.RetryInfo(code, "later", TimeSpan.FromSeconds(7));
        upstream.Answer = (context, _) => StubUpstream.RefuseAsync(context, code, "later", (StatusDetails.TrailerName, Convert.ToBase64String(details)));
        var with = await sender.ExportAsync(Signal.Logs, [0x0a, 0x00]);
        Assert.Equal(isRetryable || code == StatusCode.ResourceExhausted, with.IsRetryable);
        Assert.Equal((code, "later", TimeSpan.FromSeconds(7)), ((StatusCode)with.Details!.Value.Code, with.Details.Value.Message, with.RetryInfo!.Value));
        Assert.Equal(protocol != Protocol.Grpc && with.IsRetryable ? TimeSpan.FromSeconds(7) : null, with.RetryAfter);
    }

    [Theory]
    [MemberData(nameof(EachProtocolAndSignal))]
    [Shows("7")]
    [Shows("18")]
    public async Task Bad_data_is_refused_for_good_with_what_is_wrong_and_nothing_is_forwarded(Protocol protocol, string name)
    {
        var signal = Enum.Parse<Signal>(name);
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);

        var refused = await sender.SendAsync(protocol == Protocol.HttpJson ? """{"resourceSpans":7,"resourceLogs":7,"resourceMetrics":7}"""u8.ToArray() : [0x0a, 0x02, 0x12, 0x7f], signal);

        Assert.Equal((false, false, true), (refused.IsSuccess, refused.IsRetryable, refused.HasBadRequest));
        Assert.Equal(protocol == Protocol.Grpc ? 200 : 400, refused.HttpStatus);
        Assert.Equal(StatusCode.InvalidArgument, (StatusCode)refused.Details!.Value.Code);
        Assert.Contains("byte", refused.Details.Value.Message, StringComparison.Ordinal);
        Assert.Empty(upstream.Calls);
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    [Shows("8")]
    [Shows("19")]
    [Shows("C6")]
    public async Task Overload_is_told_with_the_time_to_wait_also_of_a_message_still_arriving(Protocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        upstream.Answer = async (context, _) =>
        {
            await gate.Task;
            await StubUpstream.SucceedAsync(context);
        };
        await using var tap = await RunningTap.StartAsync(upstream, tap: "limits: { in_flight_mib: 4 }", grpc: ", max_recv_msg_size_mib: 3", exporter: ", timeout: 60s");
        using var sender = new Sender(tap, protocol);
        var waiting = sender.SendAsync(Protocols.MessageOf(protocol, 3 * MiB));
        await Deadline.UntilAsync(() => upstream.Calls.Count == 1, "the first request stalls in the upstream");

        var refused = await sender.SendAsync(Protocols.MessageOf(protocol, 3 * MiB));

        Assert.Equal((false, true, Refusals.RetryDelay), (refused.IsSuccess, refused.IsRetryable, refused.RetryInfo!.Value));
        Assert.Equal(protocol == Protocol.Grpc ? 200 : 503, refused.HttpStatus);
        Assert.Equal(StatusCode.Unavailable, (StatusCode)refused.Details!.Value.Code);
        Assert.Equal(protocol == Protocol.Grpc ? null : Refusals.RetryDelay, refused.RetryAfter);
        gate.SetResult();
        Assert.True((await waiting.InTime()).IsSuccess);
    }

    [Fact]
    [Shows("9")]
    [Shows("21")]
    public void The_default_ports_are_4317_and_4318()
    {
        var receiver = new ConfigurationLoader().Load([]).Options!.Receivers[0];

        Assert.Equal((4317, 4318), (receiver.Grpc!.Endpoint.Tcp.Port, receiver.Http!.Endpoint.Tcp.Port));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Shows("10")]
    [Shows("21")]
    public async Task Protobuf_and_JSON_are_taken_on_one_port_over_HTTP_1_1_and_HTTP_2(int version)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        foreach (var protocol in new[] { Protocol.HttpProtobuf, Protocol.HttpJson })
        {
            using var sender = new Sender(tap, protocol) { Version = version == 1 ? HttpVersion.Version11 : HttpVersion.Version20 };
            var answer = await sender.ExportAsync(Signal.Traces, OneSpan);
            Assert.Equal((true, version), (answer.IsSuccess, answer.Response.Version.Major));
        }

        Assert.Equal([OneSpan, OneSpan], upstream.Calls.Select(call => call.Message));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [Shows("10")]
    public async Task Another_method_than_POST_is_405_with_the_one_that_is_taken(string method)
    {
        await using var tap = await RunningTap.StartAsync();
        using var sender = new Sender(tap, Protocol.HttpJson);

        var refused = await sender.SendAsync([], method: method);

        Assert.Equal((405, false), (refused.HttpStatus, refused.IsRetryable));
        Assert.Equal(["POST"], refused.Response.Content.Headers.Allow);
        Assert.Equal(method == "HEAD", refused.Body.Length == 0);
    }

    [Theory]
    [InlineData("application/x-protobuf", "application/x-protobuf")]
    [InlineData("application/protobuf", "application/protobuf")]
    [InlineData("application/json", "application/json")]
    [InlineData("application/json; charset=utf-8", "application/json")]
    [Shows("11")]
    [Shows("14")]
    public async Task The_answer_has_the_content_type_of_the_request(string sent, string answered)
    {
        await using var tap = await RunningTap.StartAsync();
        var protocol = answered == "application/json" ? Protocol.HttpJson : Protocol.HttpProtobuf;
        using var sender = new Sender(tap, protocol);

        var success = await sender.SendAsync(Protocols.MessageOf(protocol, Signal.Traces, OneSpan), contentType: sent);
        var failure = await sender.SendAsync([0xff], contentType: sent);

        Assert.Equal((200, answered), (success.HttpStatus, success.ContentType));
        Assert.Equal((400, answered), (failure.HttpStatus, failure.ContentType));
    }

    [Fact]
    [Shows("12")]
    public async Task JSON_is_read_by_the_mapping_of_OTLP()
    {
        // Ids of either case, 64 bits as string and as number (2^53 + 1, which no double holds), an enum by its number,
        // NaN and infinity as strings, bytes in base64, null for what is absent, names that nobody knows, and a byte order mark.
        const string Text = """
            {"resourceLogs":[{"later":{"a":[1,{"b":null}]},"resource":{"attributes":[],"dropped_attributes_count":5},"scopeLogs":[{"schemaUrl":null,"logRecords":[{
            "timeUnixNano":"1544712660300000000","observedTimeUnixNano":1544712660300000001,"severityNumber":10,"traceId":"5B8EFFF798038103D269B633813fc60c","spanId":"eee19b7ec3c1b174",
            "body":{"kvlistValue":{"values":[{"key":"n","value":{"intValue":"-9223372036854775808"}},{"key":"m","value":{"intValue":9007199254740993}},{"key":"x","value":{"doubleValue":"NaN"}},
            {"key":"y","value":{"doubleValue":"-Infinity"}},{"key":"b","value":{"bytesValue":"AP+/"}},{"key":"u","value":{"bytesValue":"AP-_"}}]}}}]}]}]}
            """;
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, Protocol.HttpJson);

        Assert.True((await sender.SendAsync([0xef, 0xbb, 0xbf, .. Encoding.UTF8.GetBytes(Text)], Signal.Logs)).IsSuccess);

        var resource = Assert.Single(ExportLogsServiceRequest.Parser.ParseFrom(Assert.Single(upstream.Calls).Message).ResourceLogs);
        Assert.Equal(0u, resource.Resource.DroppedAttributesCount);
        var record = Assert.Single(Assert.Single(resource.ScopeLogs).LogRecords);
        Assert.Equal((1544712660300000000ul, 1544712660300000001ul), (record.TimeUnixNano, record.ObservedTimeUnixNano));
        Assert.Equal("5b8efff798038103d269b633813fc60c eee19b7ec3c1b174", $"{Convert.ToHexStringLower(record.TraceId.Span)} {Convert.ToHexStringLower(record.SpanId.Span)}");
        Assert.Equal(OpenTelemetry.Proto.Logs.V1.SeverityNumber.Info2, record.SeverityNumber);
        Assert.Equal<AnyValue>(
            [
                new() { IntValue = long.MinValue }, new() { IntValue = 9007199254740993 }, new() { DoubleValue = double.NaN }, new() { DoubleValue = double.NegativeInfinity },
                new() { BytesValue = ByteString.CopyFrom(0, 0xff, 0xbf) }, new() { BytesValue = ByteString.CopyFrom(0, 0xff, 0xbf) },
            ],
            record.Body.KvlistValue.Values.Select(entry => entry.Value));
    }

    [Theory]
    [InlineData("""{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER"}]}]}]}""")]
    [InlineData("""{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"W47/95gDgQPSabYzgT/GDA=="}]}]}]}""")]
    [InlineData("""{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":1.5}]}]}]}""")]
    [InlineData("""{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"x","value":{"doubleValue":NaN}}]}]}]}]}""")]
    [InlineData("""{"resourceSpans":[]}{}""")]
    [InlineData("")]
    [Shows("12")]
    [Shows("18")]
    public async Task JSON_that_is_not_OTLPs_is_400(string text)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, Protocol.HttpJson);

        var refused = await sender.SendAsync(Encoding.UTF8.GetBytes(text));

        Assert.Equal((400, true), (refused.HttpStatus, refused.HasBadRequest));
        Assert.Empty(upstream.Calls);
    }

    [Theory]
    [MemberData(nameof(EachProtocolAndSignal))]
    [Shows("13")]
    public async Task Each_signal_has_its_path(Protocol protocol, string name)
    {
        var signal = Enum.Parse<Signal>(name);
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);

        Assert.True((await sender.ExportAsync(signal, [0x0a, 0x00])).IsSuccess);

        Assert.Equal(ExportServiceNames.PathOf(signal), Assert.Single(upstream.Calls).Path);
    }

    [Theory]
    [MemberData(nameof(EachHttp))]
    [Shows("16")]
    [Shows("20")]
    public async Task The_body_of_every_error_is_a_Status_and_the_connection_goes_on(Protocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);
        var details = StatusDetails.RetryInfo(StatusCode.ResourceExhausted, "slowly", TimeSpan.FromSeconds(2));

        Answer[] errors =
        [
            await sender.SendAsync([0xff]),
            await sender.SendAsync([], path: "/nowhere"),
            await sender.SendAsync([], path: "/v1/traces/"),
            await sender.SendAsync([], path: "/v1development/profiles"),
            await sender.SendAsync([], contentType: "text/plain"),
            await sender.SendBodyAsync([1, 2, 3], encoding: "gzip"),
            await sender.SendBodyAsync([1, 2, 3], encoding: "compress"),
            await RefusedAsync(StatusCode.ResourceExhausted, "slowly", (StatusDetails.TrailerName, Convert.ToBase64String(details))),
            await RefusedAsync(StatusCode.Unauthenticated, "who are you"),
            await RefusedAsync(StatusCode.PermissionDenied, "not you"),
            await RefusedAsync(StatusCode.Internal, "a bug"),
            await RefusedAsync(StatusCode.Unavailable, "away"),
        ];

        Assert.Equal([400, 404, 404, 404, 415, 400, 415, 429, 401, 403, 500, 503], errors.Select(error => error.HttpStatus));
        Assert.All(errors, error => Assert.NotEmpty(error.Details!.Value.Message));
        Assert.All(errors.Where(error => error.HttpStatus != 415 || error.Response.RequestMessage!.Content!.Headers.ContentType!.MediaType != "text/plain"), error => Assert.Equal(Protocols.ContentTypeOf(protocol), error.ContentType));

        upstream.Answer = (context, _) => StubUpstream.SucceedAsync(context);
        Assert.True((await sender.ExportAsync(Signal.Traces, OneSpan)).IsSuccess);
        Assert.Equal(1, sender.Connections);

        async Task<Answer> RefusedAsync(StatusCode code, string message, params (string Name, string Value)[] trailers)
        {
            upstream.Answer = (context, _) => StubUpstream.RefuseAsync(context, code, message, trailers);
            return await sender.ExportAsync(Signal.Traces, OneSpan);
        }
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    [Shows("22")]
    public async Task While_traces_stall_in_the_upstream_logs_and_metrics_flow(Protocol protocol)
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
        using var sender = new Sender(tap, protocol);
        var stalled = Enumerable.Range(0, 20).Select(_ => sender.ExportAsync(Signal.Traces, OneSpan)).ToList();

        Assert.True((await sender.ExportAsync(Signal.Logs, [0x0a, 0x00]).InTime()).IsSuccess);
        Assert.True((await sender.ExportAsync(Signal.Metrics, [0x0a, 0x00]).InTime()).IsSuccess);
        Assert.DoesNotContain(stalled, call => call.IsCompleted);
        gate.SetResult();
        await Task.WhenAll(stalled).InTime();
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    [Shows("22")]
    public async Task While_one_destination_stalls_the_others_get_everything_and_senders_their_answers(Protocol protocol)
    {
        await using var primary = await StubUpstream.StartAsync();
        await using var stalled = await StubUpstream.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        stalled.Answer = async (context, _) =>
        {
            await gate.Task;
            await StubUpstream.SucceedAsync(context);
        };
        await using var tap = await RunningTap.ConfiguredAsync(directory => $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" }, http: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { corpus: { directory: '{{directory}}' } } }
            exporters:
              otlp_grpc/primary: { endpoint: "{{primary.Endpoint}}", tls: { insecure: true } }
              otlp_grpc/stalled: { endpoint: "{{stalled.Endpoint}}", tls: { insecure: true }, timeout: 60s }
            service:
              admin: { endpoint: "127.0.0.1:0" }
              pipelines: { traces: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc/primary, otlp_grpc/stalled], primary: otlp_grpc/primary } }
            """);
        using var sender = new Sender(tap, protocol);

        for (var i = 0; i < 20; i++)
        {
            Assert.True((await sender.ExportAsync(Signal.Traces, OneSpan).InTime()).IsSuccess);
        }

        Assert.Equal(20, primary.Calls.Count);
        gate.SetResult();
        await Deadline.UntilAsync(() => stalled.Calls.Sum(call => ItemCount.Of(Signal.Traces, call.Message)) == 20, "the other has everything, too");
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    [Shows("24")]
    public async Task What_a_client_sends_twice_is_forwarded_twice(Protocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);

        await sender.ExportAsync(Signal.Traces, OneSpan);
        await sender.ExportAsync(Signal.Traces, OneSpan);

        Assert.Equal([OneSpan, OneSpan], upstream.Calls.Select(call => call.Message));
    }

    // For OTLP/HTTP a 200 is "Full Success": a sender that took the gRPC port for an HTTP one must not read its loss as that.
    [Theory]
    [InlineData("/v1/traces", "application/json", HttpStatusCode.NotFound)]
    [InlineData("/v1/traces", "application/x-protobuf", HttpStatusCode.NotFound)]
    [InlineData("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/json", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/x-protobuf", HttpStatusCode.UnsupportedMediaType)]
    public async Task A_request_that_is_no_gRPC_is_never_answered_with_HTTP_200(string path, string contentType, HttpStatusCode expected)
    {
        await using var tap = await RunningTap.StartAsync();
        using var http = new HttpClient();

        // More than a stream's window, so that the answer has to come before the body is there.
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{tap.Host.GrpcEndpoint}{path}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent($$"""{"resourceSpans":[{"schemaUrl":"{{new string('x', 3 * MiB)}}"}]}""", Encoding.UTF8, contentType),
        };
        using var response = await http.SendAsync(request, Deadline.Token());

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

    private static Grpc.Core.Metadata TraceContext() => new()
    {
        { "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
        { "tracestate", "vendor=a" },
        { "baggage", "k=v" },
    };

    /// <summary>Sends until one upstream call carries several requests, then lets the upstream answer.</summary>
    private static async Task<Answer[]> WhileCallsAreUnderWayAsync(RunningTap tap, Sender sender, StubUpstream upstream, int requests, TaskCompletionSource gate)
    {
        var first = Enumerable.Range(0, 4).Select(_ => sender.ExportAsync(Signal.Traces, OneSpan)).ToList();
        await Deadline.UntilAsync(() => !upstream.Calls.IsEmpty, "the first calls are under way");
        var rest = Enumerable.Range(0, requests).Select(_ => sender.ExportAsync(Signal.Traces, OneSpan)).ToList();
        await Deadline.UntilAsync(async () => await tap.MetricAsync("""otlptap_received_requests_total{signal="traces"}""") == requests + 4, "all requests arrived");
        gate.SetResult();
        return await Task.WhenAll([.. first, .. rest]);
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
}
