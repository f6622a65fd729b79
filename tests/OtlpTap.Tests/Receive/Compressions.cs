using System.IO.Compression;
using Snappier;
using ZstdSharp;

namespace OtlpTap.Tests.Receive;

/// <summary>Every form in which a message may come compressed, as senders make it.</summary>
public enum Form
{
    Gzip,
    GzipOfTwoMembers,
    Zstd,
    ZstdOfUnknownLength,
    ZstdOfTwoFrames,
    Zlib,
    Deflate,
    BareDeflate,
    Snappy,
    SnappyStream,
    SnappyStreamByItsOwnName,
}

/// <summary>Compresses for tests.</summary>
internal static class Compressions
{
    public static string NameOf(Form form) => form switch
    {
        Form.Gzip or Form.GzipOfTwoMembers => "gzip",
        Form.Zstd or Form.ZstdOfUnknownLength or Form.ZstdOfTwoFrames => "zstd",
        Form.Zlib => "zlib",
        Form.Deflate or Form.BareDeflate => "deflate",
        Form.Snappy or Form.SnappyStream => "snappy",
        _ => "x-snappy-framed",
    };

    public static byte[] Compress(Form form, byte[] message) => form switch
    {
        Form.Gzip => Through(message, static to => new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true)),
        Form.GzipOfTwoMembers => [.. Compress(Form.Gzip, message[..(message.Length / 2)]), .. Compress(Form.Gzip, message[(message.Length / 2)..])],
        Form.Zstd => Zstd(message),
        Form.ZstdOfUnknownLength => Through(message, static to => new CompressionStream(to, leaveOpen: true)),
        Form.ZstdOfTwoFrames => [.. Zstd(message[..(message.Length / 2)]), .. Compress(Form.ZstdOfUnknownLength, message[(message.Length / 2)..])],
        Form.Zlib or Form.Deflate => Through(message, static to => new ZLibStream(to, CompressionLevel.Fastest, leaveOpen: true)),
        Form.BareDeflate => Through(message, static to => new DeflateStream(to, CompressionLevel.Fastest, leaveOpen: true)),
        Form.Snappy => Snappy.CompressToArray(message),
        _ => Through(message, static to => new SnappyStream(to, CompressionMode.Compress, leaveOpen: true)),
    };

    private static byte[] Zstd(byte[] message)
    {
        using var compressor = new Compressor();
        return compressor.Wrap(message).ToArray();
    }

    private static byte[] Through(byte[] message, Func<Stream, Stream> compression)
    {
        using var buffer = new MemoryStream();
        using (var stream = compression(buffer))
        {
            stream.Write(message);
        }

        return buffer.ToArray();
    }
}
