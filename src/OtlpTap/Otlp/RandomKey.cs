using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace OtlpTap.Otlp;

/// <summary>
/// Keys of hash tables, which a sender must not guess. The kernel's random numbers, by way of <see cref="Guid"/>: what
/// <c>RandomNumberGenerator</c> gives comes from OpenSSL, which costs 4 MB and some milliseconds to load, for a tap without TLS.
/// </summary>
internal static class RandomKey
{
    /// <summary>128 bits. Two identifiers have 122 random ones each; the rest is fixed, and hashed away.</summary>
    public static UInt128 Create()
    {
        ReadOnlySpan<Guid> random = [Guid.NewGuid(), Guid.NewGuid()];
        return XxHash128.HashToUInt128(MemoryMarshal.AsBytes(random));
    }
}
