using Grpc.Core;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Forward;
using OtlpTap.Otlp;
using OtlpTap.Sinks;
using OtlpTap.Tests.Forward;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Sinks;

public sealed class OtlpGrpcSinkTests : IAsyncLifetime
{
    private readonly SinkRig _rig = new();
    private StubUpstream _stub = null!;

    public async ValueTask InitializeAsync() => _stub = await StubUpstream.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _rig.DisposeAsync();
        await _stub.DisposeAsync();
    }

    [Theory]
    [InlineData(true, "[email]")]
    [InlineData(false, "ada@example.org")]
    public async Task A_backend_gets_the_whole_trace_and_its_logs_redacted_unless_told_otherwise(bool redact, string expected)
    {
        _rig.Start(Sink() with { Redact = redact, Connection = new ForwardOptions { Endpoint = "", Headers = [("x-scope-orgid", "shop")] } });
        var span = Span(1, 2);
        span.Attributes.Add(new KeyValue { Key = "note", Value = new AnyValue { StringValue = "ada@example.org" } });
        _rig.Tap.Receive(span);
        _rig.Tap.Receive(Log(1, 1, "a line"));
        _rig.Fail(1);
        await _rig.SentAsync("grpc", 1);

        Assert.Equal(["/opentelemetry.proto.collector.trace.v1.TraceService/Export", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"], _stub.Calls.Select(call => call.Path));
        Assert.All(_stub.Calls, call => Assert.Equal("shop", call.Headers["x-scope-orgid"]));
        var spans = SpansIn(ExportTraceServiceRequest.Parser.ParseFrom(_stub.Calls.First().Message)).ToList();
        Assert.Equal(2, spans.Count);
        Assert.Equal(expected, spans.SelectMany(sent => sent.Attributes).Single(attribute => attribute.Key == "note").Value.StringValue);
        Assert.Single(ExportLogsServiceRequest.Parser.ParseFrom(_stub.Calls.Last().Message).ResourceLogs);
    }

    [Fact]
    public async Task A_backend_that_is_away_is_asked_again_until_it_is_back()
    {
        _stub.Answer = (context, _) => StubUpstream.RefuseAsync(context, StatusCode.Unavailable, "starting");
        _rig.Start(Sink());
        _rig.Fail(1);
        await Deadline.UntilAsync(() => !_stub.Calls.IsEmpty, "it is asked");
        _stub.Answer = (context, _) => StubUpstream.SucceedAsync(context);
        await _rig.PassUntilAsync(() => _rig.Sent("grpc") == 1, "it is sent");

        Assert.Equal(1, _rig.Retries("grpc"));
        Assert.Equal("Warning: Cases: sink grpc does not take them: " + $"{_stub.Endpoint} answered Unavailable: starting. Said once until it takes some.", _rig.Logger.Messages[0]);
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument)]
    [InlineData(StatusCode.Unauthenticated)]
    [InlineData(StatusCode.ResourceExhausted)]
    public async Task What_is_refused_for_good_is_not_sent_again(StatusCode status)
    {
        _stub.Answer = (context, _) => StubUpstream.RefuseAsync(context, status, "no");
        _rig.Start(Sink());
        _rig.Fail(1);
        await Deadline.UntilAsync(() => _rig.Failed("grpc", "grpc_status") == 1, "the failure is counted");
        Assert.Single(_stub.Calls);
        Assert.Equal(0, _rig.Retries("grpc"));
    }

    [Fact]
    public async Task A_backend_that_asks_for_time_gets_it()
    {
        var later = StatusDetails.Trailer(StatusDetails.RetryInfo(StatusCode.ResourceExhausted, "slow", TimeSpan.FromSeconds(20)));
        _stub.Answer = (context, _) => StubUpstream.RefuseAsync(context, StatusCode.ResourceExhausted, "slow", (later.Name, later.Value));
        _rig.Start(Sink());
        _rig.Fail(1);
        await Deadline.UntilAsync(() => !_stub.Calls.IsEmpty, "it is asked");
        _stub.Answer = (context, _) => StubUpstream.SucceedAsync(context);
        var before = _rig.Tap.Time.GetUtcNow();
        await _rig.PassUntilAsync(() => _rig.Sent("grpc") == 1, "it is sent");
        Assert.True(_rig.Tap.Time.GetUtcNow() - before >= TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_trace_of_which_spans_are_refused_has_not_arrived()
    {
        _stub.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: new PartialSuccess(1, "too old").ToResponse());
        _rig.Start(Sink());
        _rig.Fail(1);
        await Deadline.UntilAsync(() => _rig.Failed("grpc", "rejected") == 1, "the failure is counted");
        Assert.Contains("refused 1 items: too old", _rig.Logger.Messages[0], StringComparison.Ordinal);
        Assert.Equal(0, _rig.Sent("grpc"));
    }

    [Fact]
    public async Task Over_HTTP_a_trace_of_which_spans_are_refused_has_not_arrived_either()
    {
        await using var http = await StubUpstream.StartAsync(protocols: Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1);
        http.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 200, "application/x-protobuf", new PartialSuccess(1, "too old").ToResponse());
        _rig.Start(new SinkOptions { Name = "http", Kind = SinkKind.OtlpHttp, Url = new Uri($"http://{http.Endpoint}") });
        _rig.Fail(1);
        await Deadline.UntilAsync(() => _rig.Failed("http", "rejected") == 1, "the failure is counted");
        Assert.Single(http.Calls);
    }

    [Fact]
    public async Task Where_nobody_listens_the_attempts_come_to_an_end()
    {
        _rig.Start(Sink() with { Upstream = new UpstreamEndpoint("127.0.0.1", StubUpstream.UnusedPort(), false) });
        _rig.Fail(1);
        await _rig.PassUntilAsync(() => _rig.Failed("grpc", "connection") == 1, "it is given up");
        Assert.Equal(5, _rig.Retries("grpc"));
        Assert.Contains("cannot connect", _rig.Logger.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backend_that_does_not_answer_is_given_up_after_the_time()
    {
        _stub.Answer = (context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted);
        _rig.Start(Sink() with { Timeout = TimeSpan.FromSeconds(10) });
        _rig.Fail(1);
        await _rig.PassHangingAsync(_stub, TimeSpan.FromSeconds(10));
        await Deadline.UntilAsync(() => _rig.Failed("grpc", "timeout") == 1, "it is given up");
        Assert.Contains("within 10 s", _rig.Logger.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task TLS_is_checked_against_the_operators_own_authority()
    {
        using var certificates = new TestCertificates();
        await using var secure = await StubUpstream.StartAsync(certificate: certificates.Issue("localhost"));
        var upstream = new UpstreamEndpoint("localhost", secure.Port, true);
        var known = new ForwardOptions { Endpoint = "", CaFile = certificates.AuthorityFile };
        _rig.Start(Sink() with { Upstream = upstream, Connection = known }, Sink() with { Name = "stranger", Upstream = upstream });
        _rig.Fail(1);
        await _rig.SentAsync("grpc", 1);
        await _rig.PassUntilAsync(() => _rig.Failed("stranger", "connection") == 1, "the stranger is given up");
        Assert.Equal(0, _rig.Sent("stranger"));
    }

    private SinkOptions Sink() => new() { Name = "grpc", Kind = SinkKind.OtlpGrpc, Upstream = new UpstreamEndpoint("127.0.0.1", _stub.Port, false), Timeout = TimeSpan.FromMinutes(10) };
}
