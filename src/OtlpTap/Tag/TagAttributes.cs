using System.Diagnostics;
using System.Globalization;
using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Wire;

namespace OtlpTap.Tag;

/// <summary>
/// The attributes that a tagged span or log record gets, as fields <c>Span.attributes = 9</c> (4A) or
/// <c>LogRecord.attributes = 6</c> (32).
/// <code>
///   4A | length | 0A 0F otlptap.failure | 12 | length | 0A | length | kind
///   4A | length | 0A 0D otlptap.rules   | 12 | length | 2A | length | ( 0A | length | 0A | length | name ) *
///   4A | length | 0A 16 otlptap.failure.origin | 12 | length | 0A 10 | span id in hex
///   4A | length | what a rule adds of its own, as it stands in the rule                                    *
/// </code>
/// The origin stands where the span only repeats the failure of another, alone where no rule found the span itself.
/// Only rules with <see cref="Rule.Tag"/> count: the kind is the first one's, the names are all of theirs. Keys of
/// attributes are unique (https://opentelemetry.io/docs/specs/otel/common/#attribute-collections): what the sender has set
/// stays, <c>otlptap.rules</c> too, and of two rules that add the same key the first one does.
/// Written anew for each match: transcoding a few short names costs less than looking up a set of rules would.
/// </summary>
internal static class TagAttributes
{
    private const uint Message = (uint)WireType.LengthDelimited;
    private const uint SpanAttribute = ((uint)OtlpFields.Span.Attributes << 3) | Message;
    private const uint LogAttribute = ((uint)OtlpFields.LogRecord.Attributes << 3) | Message;
    private const uint Key = ((uint)OtlpFields.KeyValue.Key << 3) | Message;
    private const uint Value = ((uint)OtlpFields.KeyValue.Value << 3) | Message;
    private const uint StringValue = ((uint)OtlpFields.AnyValue.StringValue << 3) | Message;
    private const uint ArrayValue = ((uint)OtlpFields.AnyValue.ArrayValue << 3) | Message;
    private const uint Element = ((uint)OtlpFields.ArrayValue.Values << 3) | Message;

    public static ReadOnlySpan<byte> FailureKey => "otlptap.failure"u8;

    public static ReadOnlySpan<byte> RulesKey => "otlptap.rules"u8;

    public static ReadOnlySpan<byte> OriginKey => "otlptap.failure.origin"u8;

    /// <summary>A span id in hex.</summary>
    private const int OriginLength = 2 * SpanId.Length;

    /// <summary>How many bytes <see cref="Write"/> will write; 0 for a span that is not to be tagged.</summary>
    public static long Length(ReadOnlySpan<byte> request, ScanResult scan, in SpanMatch match)
    {
        if (match.AlreadyTagged)
        {
            return 0;
        }

        if (FailureOf(scan, in match) is not { } failure)
        {
            return IsRepeatingOnly(request, scan, in match) ? FieldLength(AttributeLength(OriginKey, FieldLength(OriginLength))) : 0;
        }

        var length = HasOrigin(request, scan, in match) ? FieldLength(AttributeLength(OriginKey, FieldLength(OriginLength))) : 0;
        length += FieldLength(AttributeLength(FailureKey, FieldLength(TextLength(failure))));
        if (!HasKey(request, scan, in match, RulesKey))
        {
            length += FieldLength(AttributeLength(RulesKey, FieldLength(NamesLength(scan, in match))));
        }

        var rules = scan.RulesOf(in match);
        for (var i = 0; i < rules.Length; i++)
        {
            foreach (var attribute in scan.Rules[rules[i]].Added)
            {
                length += IsAdded(request, scan, in match, i, attribute) ? FieldLength(attribute.KeyValue.Length) : 0;
            }
        }

        return length;
    }

    /// <summary>For a match with a <see cref="Length"/> above 0, into just as much room.</summary>
    public static void Write(Span<byte> destination, ReadOnlySpan<byte> request, ScanResult scan, in SpanMatch match)
    {
        var field = FieldOf(scan);
        if (FailureOf(scan, in match) is not { } failure)
        {
            WriteOrigin(destination, field, match.Origin);
            return;
        }

        var failureLength = TextLength(failure);
        var written = WriteAttribute(destination, field, FailureKey, FieldLength(failureLength));
        written += WriteText(destination[written..], failure, failureLength);
        if (written < destination.Length && !HasKey(request, scan, in match, RulesKey))
        {
            written += WriteRules(destination[written..], scan, in match);
        }

        if (written < destination.Length && HasOrigin(request, scan, in match))
        {
            written += WriteOrigin(destination[written..], field, match.Origin);
        }

        var rules = scan.RulesOf(in match);
        for (var i = 0; written < destination.Length && i < rules.Length; i++)
        {
            foreach (var attribute in scan.Rules[rules[i]].Added)
            {
                if (IsAdded(request, scan, in match, i, attribute))
                {
                    written += ProtoWriter.WriteLengthDelimited(destination[written..], field, attribute.KeyValue);
                }
            }
        }

        Debug.Assert(written == destination.Length, "The attributes of a span have another length than was measured.");
    }

    /// <summary>A span that no rule found: one that a rule found and does not tag is to stay as it is.</summary>
    private static bool IsRepeatingOnly(ReadOnlySpan<byte> request, ScanResult scan, in SpanMatch match) =>
        match.RuleCount == 0 && HasOrigin(request, scan, in match);

    private static bool HasOrigin(ReadOnlySpan<byte> request, ScanResult scan, in SpanMatch match) =>
        !match.Origin.IsZero && !HasKey(request, scan, in match, OriginKey);

    private static int WriteOrigin(Span<byte> destination, uint field, SpanId origin)
    {
        Span<byte> hex = stackalloc byte[OriginLength];
        _ = origin.Value.TryFormat(hex, out _, "x16", CultureInfo.InvariantCulture);
        var written = WriteAttribute(destination, field, OriginKey, FieldLength(OriginLength));
        return written + ProtoWriter.WriteLengthDelimited(destination[written..], StringValue, hex);
    }

    private static uint FieldOf(ScanResult scan) => scan.Signal == Signal.Logs ? LogAttribute : SpanAttribute;

    private static int WriteRules(Span<byte> destination, ScanResult scan, in SpanMatch match)
    {
        var namesLength = NamesLength(scan, in match);
        var written = WriteAttribute(destination, FieldOf(scan), RulesKey, FieldLength(namesLength));
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

    /// <summary>Whether it is the rule at <paramref name="index"/> of the match that adds the attribute.</summary>
    private static bool IsAdded(ReadOnlySpan<byte> request, ScanResult scan, in SpanMatch match, int index, RuleAttribute attribute)
    {
        var rules = scan.RulesOf(in match);
        if (!scan.Rules[rules[index]].Tag)
        {
            return false;
        }

        foreach (var earlier in rules[..index])
        {
            if (scan.Rules[earlier] is { Tag: true } rule && Has(rule.Added, attribute.Key))
            {
                return false;
            }
        }

        return !HasKey(request, scan, in match, attribute.Key);
    }

    private static bool Has(RuleAttribute[] attributes, ReadOnlySpan<byte> key)
    {
        foreach (var attribute in attributes)
        {
            if (key.SequenceEqual(attribute.Key))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The key's bytes are hardly ever in a span; only then the attributes are walked.</summary>
    private static bool HasKey(ReadOnlySpan<byte> request, ScanResult scan, in SpanMatch match, ReadOnlySpan<byte> key)
    {
        if (request.Slice(match.SpanOffset, match.SpanLength).IndexOf(key) < 0)
        {
            return false;
        }

        var field = FieldOf(scan);
        var span = new ProtoReader(request, match.SpanOffset, match.SpanOffset + match.SpanLength);
        while (span.Next())
        {
            if (span.Tag == field && KeyOf(request, span.ValueOffset, span.ValueEnd).SequenceEqual(key))
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

    private static int WriteAttribute(Span<byte> destination, uint field, ReadOnlySpan<byte> key, long valueLength)
    {
        var written = ProtoWriter.WriteLengthPrefix(destination, field, (int)AttributeLength(key, valueLength));
        written += ProtoWriter.WriteLengthDelimited(destination[written..], Key, key);
        return written + ProtoWriter.WriteLengthPrefix(destination[written..], Value, (int)valueLength);
    }

    private static int WriteText(Span<byte> destination, string text, int length)
    {
        var written = ProtoWriter.WriteLengthPrefix(destination, StringValue, length);
        return written + Encoding.UTF8.GetBytes(text, destination.Slice(written, length));
    }
}
