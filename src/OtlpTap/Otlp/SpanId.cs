using System.Buffers.Binary;
using System.Globalization;

namespace OtlpTap.Otlp;

/// <summary>A span id: 8 bytes on the wire, 16 lower-case hex digits in text; all zeros is "none".</summary>
internal readonly record struct SpanId(ulong Value)
{
    public const int Length = 8;

    public bool IsZero => Value == 0;

    /// <summary>False when <paramref name="bytes"/> is not exactly 8 bytes long.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out SpanId id)
    {
        if (bytes.Length != Length)
        {
            id = default;
            return false;
        }

        id = new SpanId(BinaryPrimitives.ReadUInt64BigEndian(bytes));
        return true;
    }

    /// <summary>Reads 16 hex digits of either case; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> hex, out SpanId id)
    {
        var valid = ulong.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) && hex.Length == 2 * Length;
        id = valid ? new SpanId(value) : default;
        return valid;
    }

    public void WriteTo(Span<byte> destination) => BinaryPrimitives.WriteUInt64BigEndian(destination, Value);

    /// <summary>Seeded by process: senders choose ids, and ones that all fell into one bucket would make every table a list.</summary>
    /// <remarks>By halves: the hash of a <see cref="ulong"/> has no seed, and is 0 wherever its halves are equal.</remarks>
    public override int GetHashCode() => HashCode.Combine((uint)Value, (uint)(Value >> 32));

    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
