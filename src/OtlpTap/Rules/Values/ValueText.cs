using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;
using OtlpTap.Rules.Patterns;

namespace OtlpTap.Rules.Values;

/// <summary>
/// The text of a value as OTTL's string functions see it, fed to a pattern piece by piece and never built: numbers and
/// bools as in JSON, bytes as hexadecimal digits, lists and maps as compact JSON with sorted keys, bytes in base64 and
/// <c>&lt; > &amp;</c> escaped. NaN and infinity have no text.
/// </summary>
internal static class ValueText
{
    private const int DepthMax = 64;

    // Attributes such as finish reasons, one or two words in a list, stand on every span of a model call.
    private const int ShortListLengthMax = 96;

    private static readonly SearchValues<byte> PlainBytes = SearchValues.Create(
        [.. Enumerable.Range(0x20, 0x5F).Select(value => (byte)value).Where(value => value is not ((byte)'"' or (byte)'\\' or (byte)'<' or (byte)'>' or (byte)'&'))]);

    /// <summary>An error when the value has no text.</summary>
    [SkipLocalsInit]
    public static Outcome IsMatch(in ValueView value, Pattern pattern)
    {
        if (value.Slot is { Kind: SlotKind.List, Length: <= ShortListLengthMax })
        {
            // An element needs a byte for each of its quotes and its comma, no more than the two tags and lengths it had.
            Span<byte> text = stackalloc byte[ShortListLengthMax + 2];
            if (TryWriteShortList(in value, text, out var length))
            {
                return pattern.IsMatch(text[..length]) ? Outcome.True : Outcome.False;
            }
        }

        return IsMatchInPieces(in value, pattern);
    }

    /// <summary>False when the list holds anything but plain strings.</summary>
    private static bool TryWriteShortList(in ValueView list, Span<byte> text, out int length)
    {
        length = 1;
        text[0] = (byte)'[';
        var elements = AnyValues.ReaderOf(list.Source, in list.Slot);
        while (elements.Next())
        {
            var element = elements.Value;
            if (elements.Tag != AnyValues.Element || element is not [AnyValues.StringTag, var stringLength, ..] || stringLength != element.Length - 2)
            {
                return false;
            }

            var content = element[2..];
            if (content.ContainsAnyExcept(PlainBytes))
            {
                return false;
            }

            text[length++] = (byte)'"';
            content.CopyTo(text[length..]);
            length += content.Length;
            text[length++] = (byte)'"';
            text[length++] = (byte)',';
        }

        // The last comma becomes the end.
        length = Math.Max(length, 2);
        text[length - 1] = (byte)']';
        return !elements.IsMalformed;
    }

    private static Outcome IsMatchInPieces(in ValueView value, Pattern pattern)
    {
        var sink = new TextSink(pattern, stackalloc byte[TextSink.Length]);
        try
        {
            return !TryFeed(in value, ref sink) ? Outcome.Error : sink.End() ? Outcome.True : Outcome.False;
        }
        finally
        {
            sink.Dispose();
        }
    }

    private static bool TryFeed(in ValueView value, ref TextSink sink)
    {
        switch (value.Slot.Kind)
        {
            case SlotKind.String:
                sink.Add(value.Bytes);
                return true;

            case SlotKind.Bytes:
                FeedHex(value.Bytes, ref sink);
                return true;

            default:
                return TryFeedJson(in value, DepthMax, ref sink);
        }
    }

    private static bool TryFeedJson(in ValueView value, int depth, ref TextSink sink)
    {
        if (depth == 0)
        {
            return false;
        }

        switch (value.Slot.Kind)
        {
            case SlotKind.String:
                FeedQuoted(value.Bytes, ref sink);
                return true;

            case SlotKind.Bool:
                sink.Add(value.Slot.Bits != 0 ? "true"u8 : "false"u8);
                return true;

            case SlotKind.Int:
                Span<byte> digits = stackalloc byte[20];
                Utf8Formatter.TryFormat(value.Slot.Bits, digits, out var length);
                sink.Add(digits[..length]);
                return true;

            case SlotKind.Double:
                return JsonDouble.TryFeed(value.Number, ref sink);

            case SlotKind.Bytes when value.Slot.Length > 0:
                FeedBase64(value.Bytes, ref sink);
                return true;

            case SlotKind.List:
                return TryFeedList(in value, depth, ref sink);

            case SlotKind.Map:
                return TryFeedMap(in value, depth, ref sink);

            default:
                sink.Add("null"u8);
                return true;
        }
    }

    private static bool TryFeedList(in ValueView list, int depth, ref TextSink sink)
    {
        sink.Add("["u8);
        var isFirst = true;
        var elements = AnyValues.ReaderOf(list.Source, in list.Slot);
        while (elements.Next())
        {
            if (elements.Tag != AnyValues.Element)
            {
                continue;
            }

            if (!isFirst)
            {
                sink.Add(","u8);
            }

            isFirst = false;
            if (!AnyValues.TryRead(list.Source, elements.ValueOffset, elements.ValueEnd, out var element)
                || !TryFeedJson(new ValueView(element, list.Source), depth - 1, ref sink))
            {
                return false;
            }
        }

        sink.Add("]"u8);
        return !elements.IsMalformed;
    }

    /// <summary>Sorting takes a list of the entries: the one place where matching allocates, and no rule of a pack looks at maps.</summary>
    private static bool TryFeedMap(in ValueView map, int depth, ref TextSink sink)
    {
        var entries = new List<(Range Key, Slot Value)>();
        var reader = AnyValues.ReaderOf(map.Source, in map.Slot);
        while (reader.Next())
        {
            if (reader.Tag == AnyValues.Element)
            {
                if (!AnyValues.TryReadEntry(map.Source, reader.ValueOffset, reader.ValueEnd, out var key, out var value))
                {
                    return false;
                }

                entries.Add((key, value));
            }
        }

        if (reader.IsMalformed)
        {
            return false;
        }

        sink.Add("{"u8);
        var sorted = Sorted(entries, map.Source);
        for (var i = 0; i < sorted.Length; i++)
        {
            if (i > 0)
            {
                sink.Add(","u8);
            }

            FeedQuoted(map.Source[sorted[i].Key], ref sink);
            sink.Add(":"u8);
            if (!TryFeedJson(new ValueView(sorted[i].Value, map.Source), depth - 1, ref sink))
            {
                return false;
            }
        }

        sink.Add("}"u8);
        return true;
    }

    /// <summary>By the bytes of the keys; of equal keys the last one stays.</summary>
    private static (Range Key, Slot Value)[] Sorted(List<(Range Key, Slot Value)> entries, ReadOnlySpan<byte> bytes)
    {
        var byKey = new SortedDictionary<byte[], (Range, Slot)>(Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right)));
        foreach (var entry in entries)
        {
            byKey[bytes[entry.Key].ToArray()] = entry;
        }

        return [.. byKey.Values];
    }

    private static void FeedHex(ReadOnlySpan<byte> bytes, ref TextSink sink)
    {
        Span<byte> digits = stackalloc byte[2];
        foreach (var value in bytes)
        {
            Utf8Formatter.TryFormat(value, digits, out _, new StandardFormat('x', 2));
            sink.Add(digits);
        }
    }

    private static void FeedBase64(ReadOnlySpan<byte> bytes, ref TextSink sink)
    {
        Span<byte> text = stackalloc byte[4];
        sink.Add("\""u8);
        for (var i = 0; i < bytes.Length; i += 3)
        {
            Base64.EncodeToUtf8(bytes.Slice(i, Math.Min(3, bytes.Length - i)), text, out _, out var length);
            sink.Add(text[..length]);
        }

        sink.Add("\""u8);
    }

    private static void FeedQuoted(ReadOnlySpan<byte> utf8, ref TextSink sink)
    {
        sink.Add("\""u8);
        while (!utf8.IsEmpty)
        {
            var plain = PlainLength(utf8);
            sink.Add(utf8[..plain]);
            utf8 = utf8[plain..];
            if (!utf8.IsEmpty)
            {
                utf8 = utf8[FeedEscaped(utf8, ref sink)..];
            }
        }

        sink.Add("\""u8);
    }

    private static int PlainLength(ReadOnlySpan<byte> utf8)
    {
        for (var i = 0; i < utf8.Length; i++)
        {
            if (utf8[i] is < 0x20 or >= 0x80 or (byte)'"' or (byte)'\\' or (byte)'<' or (byte)'>' or (byte)'&')
            {
                return i;
            }
        }

        return utf8.Length;
    }

    /// <summary>One character that needs a look: an escape, or a character beyond ASCII as it is. Returns its length.</summary>
    private static int FeedEscaped(ReadOnlySpan<byte> utf8, ref TextSink sink)
    {
        switch (utf8[0])
        {
            case (byte)'"':
                sink.Add("\\\""u8);
                return 1;
            case (byte)'\\':
                sink.Add("\\\\"u8);
                return 1;
            case (byte)'\n':
                sink.Add("\\n"u8);
                return 1;
            case (byte)'\r':
                sink.Add("\\r"u8);
                return 1;
            case (byte)'\t':
                sink.Add("\\t"u8);
                return 1;
            case < 0x80:
                Span<byte> digits = stackalloc byte[2];
                Utf8Formatter.TryFormat(utf8[0], digits, out _, new StandardFormat('x', 2));
                sink.Add("\\u00"u8);
                sink.Add(digits);
                return 1;
        }

        if (Rune.DecodeFromUtf8(utf8, out var rune, out var length) != OperationStatus.Done)
        {
            sink.Add("\\ufffd"u8);
            return 1;
        }

        switch (rune.Value)
        {
            case 0x2028:
                sink.Add("\\u2028"u8);
                break;
            case 0x2029:
                sink.Add("\\u2029"u8);
                break;
            default:
                sink.Add(utf8[..length]);
                break;
        }

        return length;
    }
}
