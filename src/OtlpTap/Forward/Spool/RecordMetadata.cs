using System.Buffers.Binary;
using System.Text;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>
/// The forwarded headers of a record, one after the other:
/// <code>| name length, 4 bytes | name, UTF-8 | value length, 4 bytes | value, UTF-8 |</code>
/// Lengths are little-endian. A delivery needs them: a tenant, an authorization.
/// </summary>
internal static class RecordMetadata
{
    public static int LengthOf(RequestMetadata metadata)
    {
        var length = 0;
        foreach (var (name, value) in metadata.Entries)
        {
            length += (2 * sizeof(int)) + Encoding.UTF8.GetByteCount(name) + Encoding.UTF8.GetByteCount(value);
        }

        return length;
    }

    public static void Write(RequestMetadata metadata, Span<byte> destination)
    {
        foreach (var (name, value) in metadata.Entries)
        {
            WriteText(ref destination, name);
            WriteText(ref destination, value);
        }
    }

    public static bool TryRead(ReadOnlySpan<byte> bytes, out RequestMetadata metadata)
    {
        metadata = RequestMetadata.Empty;
        if (bytes.IsEmpty)
        {
            return true;
        }

        var entries = new List<(string, string)>();
        while (!bytes.IsEmpty)
        {
            if (!TryReadText(ref bytes, out var name) || !TryReadText(ref bytes, out var value))
            {
                return false;
            }

            entries.Add((name, value));
        }

        metadata = new RequestMetadata([.. entries]);
        return true;
    }

    private static void WriteText(ref Span<byte> destination, string text)
    {
        var length = Encoding.UTF8.GetBytes(text, destination[sizeof(int)..]);
        BinaryPrimitives.WriteInt32LittleEndian(destination, length);
        destination = destination[(sizeof(int) + length)..];
    }

    private static bool TryReadText(ref ReadOnlySpan<byte> bytes, out string text)
    {
        text = "";
        if (!BinaryPrimitives.TryReadInt32LittleEndian(bytes, out var length) || (uint)length > (uint)(bytes.Length - sizeof(int)))
        {
            return false;
        }

        text = Encoding.UTF8.GetString(bytes.Slice(sizeof(int), length));
        bytes = bytes[(sizeof(int) + length)..];
        return true;
    }
}
