using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>Connections that break the rules of HTTP, or stretch them: each ends or is bounded, and others are served.</summary>
public sealed class HostileConnectionsTests
{
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte ResetStream = 3;
    private const byte Continuation = 9;
    private const byte EndHeaders = 4;

    private static readonly byte[] OneSpan = new TraceBuilder().Span("chat model").ToBytes();

    private static readonly byte[] Request =
    [
        .. Field(":method", "POST"), .. Field(":scheme", "http"), .. Field(":path", ExportServiceNames.PathOf(Signal.Traces)), .. Field(":authority", "a"),
        .. Field("content-type", "application/grpc"), .. Field("te", "trailers"),
    ];

    [Theory]
    [InlineData("headers without end", false)]
    [InlineData("headers without end", true)]
    [InlineData("streams that are taken back", false)]
    [InlineData("streams that are taken back", true)]
    public async Task A_flood_ends_its_connection_and_others_are_served(string kind, bool isHttp)
    {
        await using var tap = await RunningTap.StartAsync();
        using var connection = await ConnectAsync(isHttp ? tap.Host.HttpEndpoint : tap.Host.GrpcEndpoint);
        using var stream = new NetworkStream(connection);
        await stream.WriteAsync(Opening(), Deadline.Token());
        var read = ReadToEndAsync(stream);

        await FloodAsync(stream, kind == "headers without end" ? HeadersWithoutEnd() : StreamsTakenBack());

        await read.InTime();
        Assert.Empty(await tap.ExportAsync(Signal.Traces, OneSpan));
        await tap.SettledAsync();
    }

    [Fact]
    public async Task Streams_that_begin_a_message_and_stop_give_back_what_they_held_with_their_connection()
    {
        await using var tap = await RunningTap.StartAsync(tap: "limits: { in_flight_mib: 64 }");
        using (var connection = await ConnectAsync(tap.Host.GrpcEndpoint))
        {
            await using var stream = new NetworkStream(connection);
            await stream.WriteAsync(Opening(), Deadline.Token());
            for (var i = 0; i < 200; i++)
            {
                // 64 MiB are announced on each, and a hundred bytes come.
                await stream.WriteAsync((byte[])[.. Frame(Headers, EndHeaders, 1 + (2 * i), Request), .. Frame(Data, 0, 1 + (2 * i), [0, 4, 0, 0, 0, .. new byte[100]])], Deadline.Token());
            }

            await Deadline.UntilAsync(async () => await tap.MetricAsync("otlptap_in_flight_bytes") >= 200 * (64 << 10), "all have begun");
            Assert.Empty(await tap.ExportAsync(Signal.Traces, OneSpan));
        }

        await tap.SettledAsync();
    }

    [Theory]
    [InlineData(17_000, 431)]
    [InlineData(100_000, 431)]
    public async Task Headers_that_are_too_large_are_refused(int length, int expected)
    {
        await using var tap = await RunningTap.StartAsync();
        using var connection = await ConnectAsync(tap.Host.HttpEndpoint);
        await using var stream = new NetworkStream(connection);

        await FloodAsync(stream, [Encoding.ASCII.GetBytes($"POST /v1/traces HTTP/1.1\r\nHost: a\r\nX-A: {new string('a', length)}\r\n\r\n")]);

        Assert.StartsWith($"HTTP/1.1 {expected} ", Encoding.ASCII.GetString(await ReadToEndAsync(stream).InTime()), StringComparison.Ordinal);
        Assert.Empty(await tap.ExportAsync(Signal.Traces, OneSpan));
    }

    [Theory]
    [InlineData("Content-Length: 5\r\nContent-Length: 6", 400)]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked", 200)] // RFC 9112, 6.1: chunked it is, and nothing behind it is read
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400)]
    [InlineData("Transfer-Encoding: gzip", 400)]
    [InlineData("Content-Length: -1", 400)]
    [InlineData("Content-Length: 99999999999999999999", 400)]
    [InlineData("Content-Length : 5", 400)]
    public async Task What_two_servers_could_read_in_two_ways_is_one_request_at_most_and_ends_the_connection(string framing, int expected)
    {
        await using var tap = await RunningTap.StartAsync();
        using var connection = await ConnectAsync(tap.Host.HttpEndpoint);
        await using var stream = new NetworkStream(connection);

        await FloodAsync(stream, [Encoding.ASCII.GetBytes($"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n{framing}\r\n\r\n0\r\n\r\nPOST /v1/logs HTTP/1.1\r\nHost: a\r\n\r\n")]);

        var answers = Encoding.ASCII.GetString(await ReadToEndAsync(stream).InTime());
        Assert.StartsWith($"HTTP/1.1 {expected} ", answers, StringComparison.Ordinal);
        Assert.Equal(answers.IndexOf("HTTP/1.1 ", StringComparison.Ordinal), answers.LastIndexOf("HTTP/1.1 ", StringComparison.Ordinal));
    }

    private static IEnumerable<byte[]> HeadersWithoutEnd()
    {
        yield return Frame(Headers, 0, 1, Request);
        var more = Frame(Continuation, 0, 1, Field("x-a", new string('b', 1000)));
        while (true)
        {
            yield return more;
        }
    }

    private static IEnumerable<byte[]> StreamsTakenBack()
    {
        for (var stream = 1; ; stream += 2)
        {
            yield return [.. Frame(Headers, EndHeaders, stream, Request), .. Frame(ResetStream, 0, stream, [0, 0, 0, 8])];
        }
    }

    private static async Task FloodAsync(NetworkStream stream, IEnumerable<byte[]> pieces)
    {
        try
        {
            // 64 MiB: a server that takes so much of it takes all.
            var left = 64 << 20;
            foreach (var piece in pieces)
            {
                await stream.WriteAsync(piece, Deadline.Token());
                left -= piece.Length;
                Assert.True(left > 0, "the connection takes whatever comes");
            }
        }
        catch (IOException)
        {
            // Closed by the tap.
        }
    }

    private static async Task<byte[]> ReadToEndAsync(NetworkStream stream)
    {
        using var all = new MemoryStream();
        try
        {
            await stream.CopyToAsync(all, Deadline.Token());
        }
        catch (IOException)
        {
            // Reset by the tap.
        }

        return all.ToArray();
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint endpoint)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endpoint, Deadline.Token());
        return socket;
    }

    private static byte[] Opening() => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(4, 0, 0, [])];

    // RFC 9113, 4.1: length in 24 bits, type, flags, stream.
    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    // RFC 7541, 6.2.2: a literal without indexing, with a new name, lengths in a prefix of seven bits.
    private static byte[] Field(string name, string value) => [0, .. Text(name), .. Text(value)];

    private static byte[] Text(string text)
    {
        var length = new List<byte> { (byte)Math.Min(127, text.Length) };
        if (text.Length >= 127)
        {
            var rest = text.Length - 127;
            for (; rest >= 128; rest /= 128)
            {
                length.Add((byte)((rest % 128) + 128));
            }

            length.Add((byte)rest);
        }

        return [.. length, .. Encoding.ASCII.GetBytes(text)];
    }
}
