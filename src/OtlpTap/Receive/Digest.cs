using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace OtlpTap.Receive;

/// <summary>
/// A secret by its SHA-256 under a key of this process: of one length whatever the secret's, so that comparing two takes
/// one time, and of no use to whoever reads it out of a memory dump.
/// </summary>
internal readonly struct Digest : IEquatable<Digest>
{
    private readonly Bytes _bytes;

    private Digest(ReadOnlySpan<char> secret, ReadOnlySpan<byte> key)
    {
        // Headers are at most 16 KiB, so that this is too.
        var text = new byte[Encoding.UTF8.GetByteCount(secret)];
        Encoding.UTF8.GetBytes(secret, text);
        HMACSHA256.HashData(key, text, _bytes);
        CryptographicOperations.ZeroMemory(text);
    }

    public static Digest Of(ReadOnlySpan<char> secret, ReadOnlySpan<byte> key) => new(secret, key);

    public static byte[] NewKey() => RandomNumberGenerator.GetBytes(HMACSHA256.HashSizeInBytes);

    public bool Equals(Digest other) => CryptographicOperations.FixedTimeEquals(_bytes, other._bytes);

    public override bool Equals(object? obj) => obj is Digest other && Equals(other);

    public override int GetHashCode() => BitConverter.ToInt32(_bytes);

    [InlineArray(HMACSHA256.HashSizeInBytes)]
    private struct Bytes
    {
        private byte _first;
    }
}
