using System.Buffers.Binary;
using System.Text;
using OtlpTap.Forward.Http2;

namespace OtlpTap.Tests.Forward.Http2;

/// <summary>Frames as bytes, written here a second time so that a mistake of the transport's own writer cannot hide itself.</summary>
internal static class Frames
{
    public static readonly byte[] SettingsAck = Frame(4, 0x1, 0);

    /// <summary>:status 200, content-type application/grpc; both as literals.</summary>
    public static readonly byte[] OkHeaders = Block((":status", "200"), ("content-type", "application/grpc"));

    public static readonly byte[] OkTrailers = Block(("grpc-status", "0"));

    public static byte[] Frame(int type, int flags, int streamId, params byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = (byte)type;
        frame[4] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), streamId);
        payload.CopyTo(frame, 9);
        return frame;
    }

    public static byte[] Settings(params (int Id, uint Value)[] settings)
    {
        var payload = new byte[6 * settings.Length];
        for (var i = 0; i < settings.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(6 * i), (ushort)settings[i].Id);
            BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan((6 * i) + 2), settings[i].Value);
        }

        return Frame(4, 0, 0, payload);
    }

    public static byte[] Headers(int streamId, byte[] block, bool endsStream = false) => Frame(1, endsStream ? 0x5 : 0x4, streamId, block);

    public static byte[] Data(int streamId, byte[] data, bool endsStream = false) => Frame(0, endsStream ? 0x1 : 0, streamId, data);

    public static byte[] WindowUpdate(int streamId, uint increment) => Frame(8, 0, streamId, UInt32(increment));

    public static byte[] Reset(int streamId, Http2ErrorCode code) => Frame(3, 0, streamId, UInt32((uint)code));

    public static byte[] GoAway(int lastStreamId, Http2ErrorCode code = Http2ErrorCode.None, string reason = "") =>
        Frame(7, 0, 0, [.. UInt32((uint)lastStreamId), .. UInt32((uint)code), .. Encoding.ASCII.GetBytes(reason)]);

    public static byte[] Ping(byte content) => Frame(6, 0, 0, [content, 0, 0, 0, 0, 0, 0, content]);

    /// <summary>A message of full success behind its headers, and the trailers.</summary>
    public static byte[] Accepted(int streamId) =>
        [.. Headers(streamId, OkHeaders), .. Data(streamId, [0, 0, 0, 0, 0]), .. Headers(streamId, OkTrailers, endsStream: true)];

    /// <summary>Literals without indexing, names included.</summary>
    public static byte[] Block(params (string Name, string Value)[] fields)
    {
        var block = new List<byte>();
        foreach (var (name, value) in fields)
        {
            block.Add(0);
            block.AddRange(Text(name));
            block.AddRange(Text(value));
        }

        return [.. block];
    }

    public static byte[] UInt32(uint value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    private static byte[] Text(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        return bytes.Length < 127
            ? [(byte)bytes.Length, .. bytes]
            : [127, (byte)(((bytes.Length - 127) & 0x7F) | 0x80), (byte)(((bytes.Length - 127) >> 7) | 0x80), (byte)((bytes.Length - 127) >> 14), .. bytes];
    }
}
