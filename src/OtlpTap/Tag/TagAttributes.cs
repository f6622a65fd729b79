using System.Diagnostics;
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
/// Only rules with <see cref="Rules.Rule.Tag"/> count: the kind is the first one's, the names are all of theirs. A span
/// that already has an attribute <c>otlptap.rules</c>, which is then its sender's, gets the kind alone: keys of
/// attributes are unique (https://opentelemetry.io/docs/specs/otel/common/#attribute-collections).
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
    public static long Length(ReadOnlySpan<byte> request, ScanResult scan, in SpanMatch match)
    {
        if (match.AlreadyTagged || FailureOf(scan, in match) is not { } failure)
        {
            return 0;
        }

        var length = FieldLength(AttributeLength(FailureKey, FieldLength(TextLength(failure))));
        return HasRules(request, in match) ? length : length + FieldLength(AttributeLength(RulesKey, FieldLength(NamesLength(scan, in match))));
    }

    /// <summary>For a match with a <see cref="Length"/> above 0, into just as much room.</summary>
    public static void Write(Span<byte> destination, ScanResult scan, in SpanMatch match)
    {
        var failure = FailureOf(scan, in match) ?? "";
        var failureLength = TextLength(failure);
        var written = WriteAttribute(destination, FailureKey, FieldLength(failureLength));
        written += WriteText(destination[written..], failure, failureLength);
        if (written == destination.Length)
        {
            return;
        }

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

        Debug.Assert(written == destination.Length, "The attributes of a span have another length than was measured.");
    }

    /// <summary>The key's bytes are hardly ever in a span; only then the attributes are walked.</summary>
    private static bool HasRules(ReadOnlySpan<byte> request, in SpanMatch match)
    {
        if (request.Slice(match.SpanOffset, match.SpanLength).IndexOf(RulesKey) < 0)
        {
            return false;
        }

        var span = new ProtoReader(request, match.SpanOffset, match.SpanOffset + match.SpanLength);
        while (span.Next())
        {
            if (span.Tag == Attribute && KeyOf(request, span.ValueOffset, span.ValueEnd).SequenceEqual(RulesKey))
            {
                return true;
            }
        }

        return false;
    }

    private static ReadOnlySpan<byte> KeyOf(ReadOnlySpan<byte> request, int start, int end)
    {
        ReadOnlySpan<byte> key = default;
        var attribute = new ProtoReader(request, start, end);
        while (attribute.Next())
        {
            if (attribute.Tag == Key)
            {
                key = attribute.Value;
            }
        }

        return key;
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
