using Google.Protobuf;

namespace OtlpTap.Tests;

/// <summary>Protobuf written by hand, for forms that no serializer writes. Independent of the Wire room, which it tests.</summary>
internal static class WireBytes
{
    public static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(part => part)];

    /// <summary>A length-delimited field.</summary>
    public static byte[] Field(int number, params byte[][] parts)
    {
        var value = Join(parts);
        return [.. Varint(((ulong)number << 3) | 2), .. Varint((ulong)value.Length), .. value];
    }

    public static byte[] Field(int number, IMessage message) => Field(number, message.ToByteArray());

    public static byte[] Field(int number, string text) => Field(number, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>A length-delimited field whose length takes <paramref name="lengthSize"/> bytes, more than it needs.</summary>
    public static byte[] PaddedField(int number, int lengthSize, params byte[][] parts)
    {
        var value = Join(parts);
        return [.. Varint(((ulong)number << 3) | 2), .. PaddedVarint((ulong)value.Length, lengthSize), .. value];
    }

    public static byte[] VarintField(int number, ulong value) => [.. Varint((ulong)number << 3), .. Varint(value)];

    public static byte[] Group(int number, params byte[][] parts) =>
        [.. Varint(((ulong)number << 3) | 3), .. Join(parts), .. Varint(((ulong)number << 3) | 4)];

    public static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        bytes.Add((byte)value);
        return [.. bytes];
    }

    public static byte[] PaddedVarint(ulong value, int size)
    {
        var bytes = new byte[size];
        for (var i = 0; i < size; i++, value >>= 7)
        {
            bytes[i] = (byte)((value & 0x7f) | (i < size - 1 ? 0x80u : 0));
        }

        return bytes;
    }
}
