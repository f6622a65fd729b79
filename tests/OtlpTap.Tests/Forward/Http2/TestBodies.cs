using OtlpTap.Buffers;
using OtlpTap.Forward;

namespace OtlpTap.Tests.Forward.Http2;

internal static class TestBodies
{
    /// <summary>A payload whose bytes tell their place, so that a shifted or repeated piece shows.</summary>
    public static Payload Payload(int length, int seed = 0)
    {
        var payload = new PayloadPool().Rent(length);
        Fill(payload.Writable, seed);
        return payload;
    }

    public static byte[] Bytes(int length, int seed = 0)
    {
        var bytes = new byte[length];
        Fill(bytes, seed);
        return bytes;
    }

    public static UpstreamBody Body(int length, int seed = 0) => new(Payload(length, seed));

    private static void Fill(Span<byte> bytes, int seed)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)(i ^ (i >> 8) ^ (i >> 16) ^ seed);
        }
    }
}
