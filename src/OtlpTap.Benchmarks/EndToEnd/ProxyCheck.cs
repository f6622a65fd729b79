using Grpc.Core;
using Grpc.Net.Client;
using OtlpTap.Benchmarks.Sink;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>
/// One real gRPC call through a proxy before it is measured: the trailer must say OK, and the sink must have got the
/// bytes that were sent. A proxy that answers every call with an error is fast.
/// </summary>
internal sealed class ProxyCheck(SinkProcess sink)
{
    public const int FrameHeaderLength = 5;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);
    private static readonly Marshaller<byte[]> Bytes = new(static bytes => bytes, static bytes => bytes);

    private static readonly Method<byte[], byte[]> Export =
        new(MethodType.Unary, "opentelemetry.proto.collector.trace.v1.TraceService", "Export", Bytes, Bytes);

    /// <summary>What is wrong with the proxy, or null.</summary>
    /// <param name="port">Where it listens.</param>
    /// <param name="frame">gRPC frame header and message.</param>
    /// <param name="isTagged">Whether the proxy has to add to this message; otherwise it must arrive as it was sent.</param>
    public async Task<string?> FindProblemAsync(int port, byte[] frame, bool isTagged, CancellationToken cancellation)
    {
        await sink.CaptureAsync(cancellation);
        try
        {
            await CallAsync(port, frame[FrameHeaderLength..], cancellation);
        }
        catch (RpcException failed)
        {
            return $"grpc-status {(int)failed.StatusCode} ({failed.StatusCode}): {failed.Status.Detail}";
        }

        var arrived = await sink.CapturedAsync(cancellation);
        var expected = SinkCounters.Describe(frame);
        if (isTagged)
        {
            return LengthOf(arrived) > frame.Length ? null : "a span that failed was not tagged";
        }

        return arrived == expected ? null : $"the sink got other bytes than were sent: {arrived} instead of {expected}";
    }

    /// <summary>Throws <see cref="RpcException"/> unless the answer is OK.</summary>
    public static async Task CallAsync(int port, byte[] message, CancellationToken cancellation)
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port}", new GrpcChannelOptions { MaxSendMessageSize = null });
        await CallAsync(channel, message, cancellation);
    }

    /// <summary>The same over a connection that is there.</summary>
    public static async Task CallAsync(GrpcChannel channel, byte[] message, CancellationToken cancellation)
    {
        var options = new CallOptions(deadline: DateTime.UtcNow + Deadline, cancellationToken: cancellation);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(Export, null, options, message);
        await call.ResponseAsync;
    }

    private static int LengthOf(string described) => described.Split(' ') is [_, var length] && int.TryParse(length, out var bytes) ? bytes : 0;
}
