using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using OtlpTap.Buffers;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd.Conformance;

/// <summary>Sends the same requests to a tap in each form of OTLP, byte by byte as the specification has them, with no SDK between.</summary>
internal sealed class Sender : IDisposable
{
    private readonly Protocol _protocol;
    private readonly IPEndPoint _endpoint;
    private readonly HttpClient _http;
    private int _connections;

    public Sender(RunningTap tap, Protocol protocol)
    {
        _protocol = protocol;
        _endpoint = protocol == Protocol.Grpc ? tap.Host.GrpcEndpoint : tap.Host.HttpEndpoint;
        Version = protocol == Protocol.Grpc ? HttpVersion.Version20 : HttpVersion.Version11;
        _http = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync }) { Timeout = TimeSpan.FromMinutes(2) };
    }

    /// <summary>How many were made so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>HTTP/2 for gRPC; of HTTP the version that the test says.</summary>
    public Version Version { get; init; }

    /// <param name="request">A serialized <c>Export*ServiceRequest</c>, whatever the form.</param>
    public Task<Answer> ExportAsync(Signal signal, byte[] request, string? encoding = null) =>
        SendAsync(Protocols.MessageOf(_protocol, signal, request), signal, encoding);

    /// <param name="message">In the form in which it goes.</param>
    public async Task<Answer> SendAsync(byte[] message, Signal signal = Signal.Traces, string? encoding = null, string? contentType = null, string? path = null, string method = "POST")
    {
        var body = encoding is null or "identity" ? message : Compress(message, encoding);
        if (_protocol == Protocol.Grpc)
        {
            body = Frame(body, encoding is null or "identity" ? (byte)0 : (byte)1);
        }

        return await SendBodyAsync(body, signal, encoding, contentType, path, method);
    }

    /// <param name="body">As it goes over the line.</param>
    public async Task<Answer> SendBodyAsync(byte[] body, Signal signal = Signal.Traces, string? encoding = null, string? contentType = null, string? path = null, string method = "POST")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"http://{_endpoint}{path ?? Protocols.PathOf(_protocol, signal)}"))
        {
            Version = Version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (method == "POST")
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.TryAddWithoutValidation("content-type", contentType ?? Protocols.ContentTypeOf(_protocol));
        }

        if (_protocol == Protocol.Grpc)
        {
            request.Headers.Add("te", "trailers");
            if (encoding is not null)
            {
                request.Headers.Add("grpc-encoding", encoding);
            }
        }
        else if (encoding is not null)
        {
            request.Content!.Headers.TryAddWithoutValidation("content-encoding", encoding);
        }

        return await Answer.ReadAsync(_protocol, await _http.SendAsync(request, TestContext.Current.CancellationToken));
    }

    public void Dispose() => _http.Dispose();

    public static byte[] Gzip(byte[] bytes)
    {
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return buffer.ToArray();
    }

    public static byte[] Frame(byte[] message, byte flag = 0)
    {
        var frame = new byte[Payload.FrameHeaderLength + message.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, Payload.FrameHeaderLength);
        return frame;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _connections);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_endpoint, cancellation);
        return new NetworkStream(socket, ownsSocket: true);
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
}
