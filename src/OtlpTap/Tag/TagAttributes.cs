using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Scan;
using OtlpTap.Wire;

namespace OtlpTap.Tag;

/// <summary>
/// The attributes that a tagged span gets, as two fields <c>Span.attributes = 9</c>.
/// <code>
///   4A | length | 0A 0F otlptap.failure | 12 | length | 0A | length | kind
///   4A | length | 0A 0D otlptap.rules   | 12 | length | 2A | length | ( 0A | length | 0A | length | name ) *
/// </code>
/// Only rules with <see cref="Rules.Rule.Tag"/> count: the kind is the first one's, the names are all of theirs.
/// Written anew for each match: transcoding a few short names costs less than looking up a set of rules would.
/// </summary>
internal static class TagAttributes
{
    private const uint Message = (uint)WireType.LengthDelimited;
    private const uint Attribute = ((uint)OtlpFields.Span.Attributes << 3) | Message;
    private const uint Key = ((uint)OtlpFields.KeyValue.Key << 3) | Message;
    private const uint Value = ((uint)OtlpFields.KeyValue.Value << 3) | Message;
    private const uint StringValue = ((uint)OtlpFields.AnyValue.StringValue << 3) | Message;
    private const uint ArrayValue = ((uint)OtlpFields.AnyValue.ArrayValue << 3) | Message;
    private const uint Element = ((uint)OtlpFields.ArrayValue.Values << 3) | Message;

    public static ReadOnlySpan<byte> FailureKey => "otlptap.failure"u8;

    public static ReadOnlySpan<byte> RulesKey => "otlptap.rules"u8;

    /// <summary>How many bytes <see cref="Write"/> will write; 0 for a span that is not to be tagged.</summary>
    public static long Length(ScanResult scan, in SpanMatch match)
    {
        if (match.AlreadyTagged || FailureOf(scan, in match) is not { } failure)
        {
            return 0;
        }

        return FieldLength(AttributeLength(FailureKey, FieldLength(TextLength(failure))))
            + FieldLength(AttributeLength(RulesKey, FieldLength(NamesLength(scan, in match))));
    }

    /// <summary>For a match with a <see cref="Length"/> above 0, into as much room. Answers how much was written.</summary>
    public static int Write(Span<byte> destination, ScanResult scan, in SpanMatch match)
    {
        var failure = FailureOf(scan, in match) ?? "";
        var failureLength = TextLength(failure);
        var written = WriteAttribute(destination, FailureKey, FieldLength(failureLength));
        written += WriteText(destination[written..], failure, failureLength);

        var namesLength = NamesLength(scan, in match);
        written += WriteAttribute(destination[written..], RulesKey, FieldLength(namesLength));
        written += ProtoWriter.WriteLengthPrefix(destination[written..], ArrayValue, (int)namesLength);
        foreach (var rule in scan.RulesOf(in match))
        {
            if (scan.Rules[rule] is { Tag: true } tagging)
            {
                var nameLength = TextLength(tagging.Name);
                written += ProtoWriter.WriteLengthPrefix(destination[written..], Element, (int)FieldLength(nameLength));
                written += WriteText(destination[written..], tagging.Name, nameLength);
            }
        }

        return written;
    }

    private static string? FailureOf(ScanResult scan, in SpanMatch match)
    {
        foreach (var rule in scan.RulesOf(in match))
        {
            if (scan.Rules[rule] is { Tag: true } tagging)
            {
                return tagging.Failure;
            }
        }

        return null;
    }

    private static long NamesLength(ScanResult scan, in SpanMatch match)
    {
        long length = 0;
        foreach (var rule in scan.RulesOf(in match))
        {
            if (scan.Rules[rule] is { Tag: true } tagging)
            {
                length += FieldLength(FieldLength(TextLength(tagging.Name)));
            }
        }

        return length;
    }

    private static long AttributeLength(ReadOnlySpan<byte> key, long valueLength) => FieldLength(key.Length) + FieldLength(valueLength);

    private static int TextLength(string text) => Encoding.UTF8.GetByteCount(text);

    // All tags here are of one byte.
    private static long FieldLength(long valueLength) => 1 + ProtoWriter.VarintLength((ulong)valueLength) + valueLength;

    private static int WriteAttribute(Span<byte> destination, ReadOnlySpan<byte> key, long valueLength)
    {
        var written = ProtoWriter.WriteLengthPrefix(destination, Attribute, (int)AttributeLength(key, valueLength));
        written += ProtoWriter.WriteLengthDelimited(destination[written..], Key, key);
        return written + ProtoWriter.WriteLengthPrefix(destination[written..], Value, (int)valueLength);
    }

    private static int WriteText(Span<byte> destination, string text, int length)
    {
        var written = ProtoWriter.WriteLengthPrefix(destination, StringValue, length);
        return written + Encoding.UTF8.GetBytes(text, destination.Slice(written, length));
    }
}
