using System.IO.Compression;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Otlp;
using Compression = OtlpTap.Forward.Compression;

namespace OtlpTap.Tests.Forward;

public sealed class CompressionTests
{
    private static readonly byte[] Spans = new TraceBuilder().Span("a", ("k", new string('v', 500))).Request.ToByteArray();

    [Theory]
    [InlineData(nameof(Compression.Gzip), false)]
    [InlineData(nameof(Compression.Zstd), false)]
    [InlineData(nameof(Compression.Gzip), true)]
    [InlineData(nameof(Compression.Zstd), true)]
    public async Task What_goes_upstream_is_compressed_and_decompresses_to_what_came(string compression, bool isHttp)
    {
        await using var stub = await StartAsync(isHttp);
        await using var setup = Setup(stub, compression, isHttp);
        var large = Encoding.ASCII.GetBytes(string.Join(' ', Enumerable.Range(0, 40_000)));

        Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans).InTime());
        Assert.Same(ExportReply.Accepted, await setup.SendAsync(large).InTime());

        Assert.Equal([Spans, large], stub.Calls.Select(call => call.Decompressed));
        Assert.All(stub.Calls, call => Assert.True(call.Body.Length < call.Decompressed.Length));
        Assert.All(stub.Calls, call => Assert.Equal(compression.ToLowerInvariant(), call.Headers[isHttp ? "content-encoding" : "grpc-encoding"]));
    }

    [Theory]
    [InlineData(nameof(Compression.Gzip), false)]
    [InlineData(nameof(Compression.Zstd), false)]
    [InlineData(nameof(Compression.Gzip), true)]
    [InlineData(nameof(Compression.Zstd), true)]
    public async Task Short_messages_and_those_that_do_not_become_shorter_go_as_they_are(string compression, bool isHttp)
    {
        await using var stub = await StartAsync(isHttp);
        await using var setup = Setup(stub, compression, isHttp);
        var noise = new byte[50_000];
        new Random(1).NextBytes(noise);
        var empty = Array.Empty<byte>();
        var shortest = Encoding.ASCII.GetBytes(new string('x', BodyEncoder.CompressedLengthMin - 1));

        foreach (var message in new[] { noise, empty, shortest, Spans })
        {
            Assert.Same(ExportReply.Accepted, await setup.SendAsync(message).InTime());
        }

        Assert.Equal([noise, empty, shortest, Spans], stub.Calls.Select(call => call.Decompressed));
        Assert.Equal([false, false, false, true], stub.Calls.Select(call => isHttp ? call.Headers.ContainsKey("content-encoding") : call.Body[0] == 1));
    }

    [Theory]
    [InlineData(nameof(Compression.Gzip), false)]
    [InlineData(nameof(Compression.Zstd), false)]
    [InlineData(nameof(Compression.Zstd), true)]
    public async Task Joined_requests_are_compressed_as_one(string compression, bool isHttp)
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stub = await StartAsync(isHttp);
        var answer = stub.Answer;
        stub.Answer = async (context, call) =>
        {
            await release.Task;
            await answer(context, call);
        };
        await using var setup = Setup(stub, compression, isHttp, options => options with { CallsInFlightMax = 1 });

        var replies = Enumerable.Range(0, 10).Select(_ => setup.SendAsync(Spans)).ToArray();
        release.SetResult();
        await Task.WhenAll(replies).InTime();

        Assert.Equal(2, stub.Calls.Count);
        Assert.Equal(Enumerable.Repeat(Spans, 9).SelectMany(bytes => bytes), stub.Calls.Last().Decompressed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_sender_has_compressed_goes_upstream_as_the_very_same_bytes(bool isHttp)
    {
        await using var stub = await StartAsync(isHttp);
        await using var setup = Setup(stub, nameof(Compression.Gzip), isHttp, options => options with { CallsInFlightMax = 1 });
        byte[][] sent = [.. Enumerable.Range(0, 10).Select(i => Gzip(Spans, i % 2 == 0 ? CompressionLevel.SmallestSize : CompressionLevel.NoCompression))];

        // Small enough to be joined, were they not alone for the sake of their form.
        var replies = sent.Select(gzip => setup.Forwarder.ExportAsync(Signal.Traces, setup.LendWithGzip(Spans, gzip), RequestMetadata.Empty, CancellationToken.None)).ToArray();
        Assert.All(await Task.WhenAll(replies).InTime(), reply => Assert.Same(ExportReply.Accepted, reply));

        Assert.Equal(10, stub.Calls.Count);
        Assert.All(stub.Calls, call => Assert.Equal(Spans, call.Decompressed));
        Assert.All(stub.Calls, call => Assert.Equal("gzip", call.Headers[isHttp ? "content-encoding" : "grpc-encoding"]));
        Assert.Equal(
            sent.Select(Convert.ToHexString).Order(StringComparer.Ordinal),
            stub.Calls.Select(call => Convert.ToHexString(isHttp ? call.Body : call.Message)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(nameof(Compression.None))]
    [InlineData(nameof(Compression.Zstd))]
    public async Task To_an_upstream_that_gets_no_gzip_the_senders_form_does_not_go(string compression)
    {
        await using var stub = await StartAsync(isHttp: false);
        await using var setup = Setup(stub, compression, isHttp: false);

        Assert.Same(ExportReply.Accepted, await setup.Forwarder.ExportAsync(Signal.Traces, setup.LendWithGzip(Spans, Gzip(Spans, CompressionLevel.Fastest)), RequestMetadata.Empty, CancellationToken.None).InTime());

        var call = Assert.Single(stub.Calls);
        Assert.Equal(compression == nameof(Compression.None) ? null : "zstd", call.Headers.GetValueOrDefault("grpc-encoding"));
        Assert.Equal(Spans, call.Decompressed);
    }

    [Fact]
    public async Task A_gRPC_server_of_others_making_understands_it()
    {
        var service = new CountingService();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(service);
        builder.Services.AddGrpc();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        await using var app = builder.Build();
        app.MapGrpcService<CountingService>();
        await app.StartAsync(Deadline.Token());
        var endpoint = new Uri(app.Urls.Single()).Authority;
        var exporter = new OtlpGrpcExporterOptions("otlp_grpc", new ForwardOptions { Endpoint = endpoint, Insecure = true, Compression = Compression.Gzip });
        await using var setup = ForwardSetup.Of(exporter);

        Assert.Equal(StatusCode.OK, (await setup.SendAsync(Spans).InTime()).Status);
        Assert.Equal(StatusCode.OK, (await setup.Forwarder.ExportAsync(Signal.Traces, setup.LendWithGzip(Spans, Gzip(Spans, CompressionLevel.Optimal)), RequestMetadata.Empty, CancellationToken.None).InTime()).Status);

        Assert.Equal(2, service.Spans);
    }

    [Fact]
    public async Task Memory_that_was_rented_for_a_compressed_message_comes_back_in_every_case()
    {
        var pool = new PayloadPool();
        using var encoder = new BodyEncoder(Compression.Gzip, isJson: true, pool, new ByteBudget(1 << 30));
        var transport = new ScriptedTransport();
        await using var encoding = new EncodingTransport(transport, encoder);
        var payload = new PayloadPool().Rent(Spans.Length);
        Spans.CopyTo(payload.Writable);
        Payload[] two = [payload, payload];
        using var impatience = new CancellationTokenSource();

        var answered = encoding.CallAsync(Signal.Traces, new UpstreamBody(two), RequestMetadata.Empty, Deadline.Token()).AsTask();
        (await transport.TakeAsync()).Succeed();
        await answered;
        var retained = pool.RetainedBytes;
        Assert.True(retained > 0);
        var cancelled = encoding.CallAsync(Signal.Traces, new UpstreamBody(two), RequestMetadata.Empty, impatience.Token).AsTask();
        await transport.TakeAsync();
        Assert.True(pool.RetainedBytes < retained);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.InTime());

        Assert.Equal(retained, pool.RetainedBytes);
    }

    private static async Task<StubUpstream> StartAsync(bool isHttp)
    {
        var stub = await StubUpstream.StartAsync(protocols: isHttp ? HttpProtocols.Http1 : HttpProtocols.Http2);
        if (isHttp)
        {
            stub.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 200);
        }

        return stub;
    }

    private static ForwardSetup Setup(StubUpstream stub, string compression, bool isHttp, Func<ForwardOptions, ForwardOptions>? with = null)
    {
        var options = new ForwardOptions { Endpoint = $"http://{stub.Endpoint}", Compression = Enum.Parse<Compression>(compression) };
        options = with?.Invoke(options) ?? options;
        return isHttp ? ForwardSetup.Of(new OtlpHttpExporterOptions("otlp_http", options)) : ForwardSetup.Of(new OtlpGrpcExporterOptions("otlp_grpc", options));
    }

    private static byte[] Gzip(byte[] bytes, CompressionLevel level)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, level))
        {
            gzip.Write(bytes);
        }

        return output.ToArray();
    }

    private sealed class CountingService : TraceService.TraceServiceBase
    {
        private int _spans;

        public int Spans => _spans;

        public override Task<ExportTraceServiceResponse> Export(ExportTraceServiceRequest request, ServerCallContext context)
        {
            Interlocked.Add(ref _spans, request.ResourceSpans.Sum(resource => resource.ScopeSpans.Sum(scope => scope.Spans.Count)));
            return Task.FromResult(new ExportTraceServiceResponse());
        }
    }
}
