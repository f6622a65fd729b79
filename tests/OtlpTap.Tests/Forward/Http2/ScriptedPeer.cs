using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Forward;
using OtlpTap.Forward.Http2;

namespace OtlpTap.Tests.Forward.Http2;

/// <summary>A server that says exactly what a test tells it to, byte by byte.</summary>
internal sealed class ScriptedPeer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<ScriptedLine> _lines = [];

    public ScriptedPeer()
    {
        _listener.Start();
        Endpoint = new UpstreamEndpoint("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port, UseTls: false);
    }

    public UpstreamEndpoint Endpoint { get; }

    /// <summary>Somebody has connected and was not accepted yet.</summary>
    public bool HasPending => _listener.Pending();

    public Http2Transport Transport(TimeProvider? time = null, Func<UpstreamOptions, UpstreamOptions>? configure = null, int firstStreamId = 1)
    {
        var options = new UpstreamOptions { Endpoint = Endpoint };
        return new(configure?.Invoke(options) ?? options, time ?? TimeProvider.System, NullLogger<Http2Transport>.Instance, firstStreamId);
    }

    /// <summary>Takes a connection without a word.</summary>
    public async Task<ScriptedLine> AcceptSilentlyAsync()
    {
        var socket = await _listener.AcceptSocketAsync(Deadline.Token());
        socket.NoDelay = true;
        var line = new ScriptedLine(socket);
        _lines.Add(line);
        return line;
    }

    /// <summary>Takes a connection, reads its preface and SETTINGS, and sends SETTINGS.</summary>
    public async Task<ScriptedLine> AcceptAsync(params (int Id, uint Value)[] settings)
    {
        var line = await AcceptSilentlyAsync();
        await line.ReadPrefaceAsync();
        await line.SendAsync(Frames.Settings(settings), Frames.SettingsAck);
        return line;
    }

    public ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (var line in _lines)
        {
            line.Dispose();
        }

        return ValueTask.CompletedTask;
    }
}

internal sealed record ReceivedFrame(int Type, int Flags, int StreamId, byte[] Payload)
{
    public bool EndsStream => (Flags & 1) != 0;
}

internal sealed class ScriptedLine(Socket socket) : IDisposable
{
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);

    private static CancellationToken Cancellation => Deadline.Token();

    public ReceivedFrame? Settings { get; private set; }

    public async Task ReadPrefaceAsync()
    {
        var preface = new byte[24];
        await _stream.ReadExactlyAsync(preface, Cancellation);
        Assert.Equal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), preface);
        Settings = await ReadFrameAsync();
        Assert.Equal(4, Settings.Type);
        Assert.Equal(8, (await ReadFrameAsync()).Type);
    }

    public async Task SendAsync(params byte[][] frames) => await _stream.WriteAsync(frames.SelectMany(frame => frame).ToArray(), Cancellation);

    /// <summary>Null when the transport has closed the connection.</summary>
    public async Task<ReceivedFrame?> TryReadFrameAsync()
    {
        var header = new byte[9];
        try
        {
            await _stream.ReadExactlyAsync(header, Cancellation);
            var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
            await _stream.ReadExactlyAsync(payload, Cancellation);
            return new ReceivedFrame(header[3], header[4], (header[5] << 24) | (header[6] << 16) | (header[7] << 8) | header[8], payload);
        }
        catch (IOException)
        {
            return null;
        }
    }

    public async Task<ReceivedFrame> ReadFrameAsync() => await TryReadFrameAsync() ?? throw new IOException("The transport closed the connection.");

    /// <summary>The next frame that is no acknowledgement of SETTINGS.</summary>
    public async Task<ReceivedFrame> ReadNextAsync()
    {
        var frame = await ReadFrameAsync();
        while (frame.Type == 4)
        {
            frame = await ReadFrameAsync();
        }

        return frame;
    }

    /// <summary>Reads until a request is whole; its body without the gRPC prefix.</summary>
    public async Task<(int StreamId, byte[] Message)> ReadRequestAsync()
    {
        var headers = await ReadNextAsync();
        Assert.Equal(1, headers.Type);
        var body = new List<byte>();
        ReceivedFrame frame;
        do
        {
            frame = await ReadNextAsync();
            Assert.Equal((0, headers.StreamId), (frame.Type, frame.StreamId));
            body.AddRange(frame.Payload);
        }
        while (!frame.EndsStream);
        return (headers.StreamId, body[5..].ToArray());
    }

    /// <summary>Reads until GOAWAY, and returns its code; null when the connection ends without one.</summary>
    public async Task<Http2ErrorCode?> ReadGoAwayAsync()
    {
        while (await TryReadFrameAsync() is { } frame)
        {
            if (frame.Type == 7)
            {
                return (Http2ErrorCode)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(frame.Payload.AsSpan(4));
            }
        }

        return null;
    }

    public void Dispose() => _stream.Dispose();
}
