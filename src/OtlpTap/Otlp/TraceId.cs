using System.Buffers.Binary;
using System.Globalization;

namespace OtlpTap.Otlp;

/// <summary>A trace id: 16 bytes on the wire, 32 lower-case hex digits in text; all zeros is "none".</summary>
internal readonly record struct TraceId(ulong High, ulong Low)
{
    public const int Length = 16;

    public bool IsZero => (High | Low) == 0;

    /// <summary>False when <paramref name="bytes"/> is not exactly 16 bytes long.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out TraceId id)
    {
        if (bytes.Length != Length)
        {
            id = default;
            return false;
        }

        id = new TraceId(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
        return true;
    }

    /// <summary>Reads 32 hex digits of either case; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> hex, out TraceId id)
    {
        id = default;
        if (hex.Length != 2 * Length
            || !ulong.TryParse(hex[..16], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var high)
            || !ulong.TryParse(hex[16..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var low))
        {
            return false;
        }

        id = new TraceId(high, low);
        return true;
    }

    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
    }

    /// <summary>Seeded by process: senders choose ids, and ones that all fell into one bucket would make every table a list.</summary>
    /// <remarks>By halves: the hash of a <see cref="ulong"/> has no seed, and is 0 wherever its halves are equal.</remarks>
    public override int GetHashCode() => HashCode.Combine((uint)High, (uint)(High >> 32), (uint)Low, (uint)(Low >> 32));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{High:x16}{Low:x16}");
}
