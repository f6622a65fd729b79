using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace OtlpTap.Tests.Forward;

/// <summary>
/// HTTP/2 frames by hand, for servers that do what no proper one does.
/// <code>
///   | length, 3 bytes | type | flags | stream id, 4 bytes | payload |     RFC 9113, 4.1
/// </code>
/// </summary>
internal static class HandmadeFrames
{
    public const byte DataFrame = 0;
    public const byte ResetFrame = 3;

    private const int PrefaceLength = 24;

    /// <summary>An empty SETTINGS frame: everything at its default.</summary>
    public static readonly byte[] Settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];

    /// <summary>HEADERS with END_HEADERS and END_STREAM: <c>:status 200</c>, <c>content-type</c>, <c>grpc-status</c> of one digit.</summary>
    public static byte[] TrailersOnly(int stream, int grpcStatus)
    {
        // 0x88: static index 8, ":status: 200". 0x00: literal without indexing, new name (RFC 7541, 6.2.2).
        byte[] block = [0x88, .. Literal("content-type", "application/grpc"), .. Literal("grpc-status", $"{grpcStatus}")];
        return Frame(type: 1, flags: 0x5, stream, block);
    }

    /// <summary>GOAWAY without an error: streams above <paramref name="lastStream"/> were not looked at.</summary>
    public static byte[] GoAway(int lastStream)
    {
        var payload = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(payload, lastStream);
        return Frame(type: 7, flags: 0, stream: 0, payload);
    }

    public static byte[] WindowUpdate(int stream, int increment)
    {
        var payload = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, increment);
        return Frame(type: 8, flags: 0, stream, payload);
    }

    /// <summary>Reads the client's preface, when it is still to come, and frames up to one of <paramref name="type"/>.</summary>
    public static async Task<byte> ReadUntilAsync(NetworkStream stream, byte type)
    {
        var header = new byte[9];
        while (true)
        {
            await stream.ReadExactlyAsync(header, Deadline.Token());
            if (Encoding.ASCII.GetString(header).StartsWith("PRI * HTT", StringComparison.Ordinal))
            {
                await stream.ReadExactlyAsync(new byte[PrefaceLength - header.Length], Deadline.Token());
                continue;
            }

            await stream.ReadExactlyAsync(new byte[(header[0] << 16) | (header[1] << 8) | header[2]], Deadline.Token());
            if (header[3] == type)
            {
                return type;
            }
        }
    }

    private static byte[] Literal(string name, string value) =>
        [0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        frame[1] = (byte)(payload.Length >> 8);
        frame[2] = (byte)payload.Length;
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }
}
