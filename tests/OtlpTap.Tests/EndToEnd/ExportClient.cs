using Grpc.Core;
using Grpc.Net.Client;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>An agent that sends and sees raw bytes.</summary>
internal sealed class ExportClient(string endpoint) : IDisposable
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes);

    private readonly GrpcChannel _channel = GrpcChannel.ForAddress($"http://{endpoint}", new GrpcChannelOptions { MaxReceiveMessageSize = null, MaxSendMessageSize = null });

    /// <summary>One export of raw message bytes; an error status is an <see cref="RpcException"/>.</summary>
    public AsyncUnaryCall<byte[]> Export(Signal signal, byte[] message, Grpc.Core.Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellation = default) =>
        _channel.CreateCallInvoker().AsyncUnaryCall(
            new Method<byte[], byte[]>(MethodType.Unary, ExportServiceNames.Of(signal), "Export", Bytes, Bytes),
            null,
            new CallOptions(headers, deadline ?? DateTime.UtcNow + Deadline.Span, cancellation),
            message);

    public void Dispose() => _channel.Dispose();
}
