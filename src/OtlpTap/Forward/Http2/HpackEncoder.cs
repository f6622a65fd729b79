using System.Buffers;
using System.Text;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// Writes header fields without a dynamic table and without Huffman codes: the block of a request is then the same
/// bytes on every connection, made once and sent as it is. The form of each field stands in <see cref="HpackDecoder.Fields"/>.
/// </summary>
internal static class HpackEncoder
{
    /// <summary>
    /// "The table has size 0 from here on." In front of the first block of a connection it spares all later
    /// bookkeeping: whatever SETTINGS_HEADER_TABLE_SIZE the peer announces, 0 is within it (RFC 7541 section 4.2).
    /// </summary>
    public const byte NoTable = 0x20;

    private const byte LiteralNotIndexed = 0x00;
    private const byte LiteralNeverIndexed = 0x10;

    public static void WriteIndexed(IBufferWriter<byte> block, int index) => WriteInteger(block, 0x80, 7, index);

    /// <param name="nameIndex">The name's place in the static table.</param>
    public static void WriteLiteral(IBufferWriter<byte> block, int nameIndex, string value)
    {
        WriteInteger(block, LiteralNotIndexed, 4, nameIndex);
        WriteString(block, value);
    }

    public static void WriteLiteral(IBufferWriter<byte> block, string name, string value)
    {
        WriteInteger(block, LiteralNotIndexed, 4, 0);
        WriteString(block, name);
        WriteString(block, value);
    }

    /// <summary>For values that may be secret: no proxy on the way may put them in a table that others can probe (RFC 7541 section 7.1).</summary>
    public static void WriteSecret(IBufferWriter<byte> block, string name, string value)
    {
        WriteInteger(block, LiteralNeverIndexed, 4, 0);
        WriteString(block, name);
        WriteString(block, value);
    }

    private static void WriteString(IBufferWriter<byte> block, string text)
    {
        // The receiver reads header values as UTF-8; they leave the same way.
        var length = Encoding.UTF8.GetByteCount(text);
        WriteInteger(block, 0, 7, length);
        block.Advance(Encoding.UTF8.GetBytes(text, block.GetSpan(length)));
    }

    private static void WriteInteger(IBufferWriter<byte> block, byte pattern, int prefixBits, int value)
    {
        var destination = block.GetSpan(6);
        var mask = (1 << prefixBits) - 1;
        if (value < mask)
        {
            destination[0] = (byte)(pattern | value);
            block.Advance(1);
            return;
        }

        destination[0] = (byte)(pattern | mask);
        var rest = value - mask;
        var length = 1;
        while (rest >= 0x80)
        {
            destination[length++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        destination[length++] = (byte)rest;
        block.Advance(length);
    }
}
