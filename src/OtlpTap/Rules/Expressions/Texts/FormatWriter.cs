using System.Globalization;
using System.Text;

namespace OtlpTap.Rules.Expressions.Texts;

/// <summary>Writes values as Go's verbs show them, and its remarks where a verb and a value do not fit.</summary>
internal sealed class FormatWriter(StringBuilder output)
{
    public void Write(Value value, int verb, FormatFlags flags)
    {
        switch (value, verb)
        {
            case (NilValue, 'T' or 'v'):
                Pad("<nil>", flags);
                return;
            case (NilValue, _):
                output.Append("%!").Append(VerbText(verb)).Append("(<nil>)");
                return;
            case (_, 'T'):
                Pad(value.TypeName, flags);
                return;
            case (_, 'p'):
                BadVerb(value, verb, flags);
                return;
            case (IdValue id, 'v' or 's' or 'x' or 'X' or 'q') when !(flags.Sharp && verb == 'v'):
                WriteText(id.Display, verb, flags);
                return;
            case (TimeValue time, 'v' or 's' or 'x' or 'X' or 'q') when !(flags.Sharp && verb == 'v'):
                WriteText(TimeText.Long(time.Time), verb, flags);
                return;
            case (DurationValue duration, 'v' or 's' or 'x' or 'X' or 'q') when !(flags.Sharp && verb == 'v'):
                WriteText(TimeText.Of(duration), verb, flags);
                return;
            case (DurationValue duration, _):
                WriteInt(duration.Nanoseconds, value, verb, flags);
                return;
            case (BoolValue boolean, 't' or 'v'):
                Pad(boolean.Value ? "true" : "false", flags);
                return;
            case (IntValue number, _):
                WriteInt(number.Value, value, verb, flags);
                return;
            case (MachineIntValue number, _):
                WriteInt(number.Value, value, verb, flags);
                return;
            case (DoubleValue number, _):
                WriteDouble(number.Value, value, verb, flags);
                return;
            case (TextValue text, 'v') when flags.Sharp:
                Pad(QuotedText.Of(text.Text, flags with { Sharp = false }), flags);
                return;
            case (TextValue text, 'v' or 's' or 'x' or 'X' or 'q'):
                WriteText(text.Text, verb, flags);
                return;
            case (BytesValue bytes, 's' or 'x' or 'X' or 'q'):
                WriteText(ByteText.Of(bytes.Bytes), verb, flags);
                return;
            case (BytesValue bytes, 'v') when flags.Sharp:
                output.Append("[]byte{").AppendJoin(", ", bytes.Bytes.Select(item => $"0x{item:x}")).Append('}');
                return;
            case (BytesValue bytes, _):
                WriteSequence(bytes.Bytes.Select(item => (Value)new IntValue(item)), verb, flags);
                return;
            case (IdValue id, _):
                WriteSequence(id.Bytes.Select(item => (Value)new IntValue(item)), verb, flags);
                return;
            case (RawListValue or TextListValue or RawMapValue, 'v') when flags.Sharp:
                WriteSyntax(value, flags);
                return;
            case (RawListValue list, _):
                WriteSequence(list.Elements, verb, flags);
                return;
            case (TextListValue list, _):
                WriteSequence(list.Texts.Select(text => (Value)new TextValue(text)), verb, flags);
                return;
            case (RawMapValue map, _):
                output.Append("map[");
                WriteEntries(map, verb, flags);
                output.Append(']');
                return;

            // The reference shows addresses in memory; nothing can be compared with those.
            case (MapValue or ListValue or OpaqueValue or TimeValue, _):
                output.Append("{...}");
                return;
            default:
                BadVerb(value, verb, flags);
                return;
        }
    }

    private static string VerbText(int verb) => ByteText.Of(new Rune(verb));

    private void BadVerb(Value value, int verb, FormatFlags flags)
    {
        output.Append("%!").Append(VerbText(verb)).Append('(').Append(value.TypeName).Append('=');
        Write(value, 'v', flags);
        output.Append(')');
    }

    private void WriteSequence(IEnumerable<Value> items, int verb, FormatFlags flags)
    {
        output.Append('[');
        var isFirst = true;
        foreach (var item in items)
        {
            output.Append(isFirst ? "" : " ");
            isFirst = false;
            WriteItem(item, verb, flags);
            if (output.Length > ByteText.LengthMax)
            {
                return;
            }
        }

        output.Append(']');
    }

    /// <summary><c>%#v</c>: as Go's source has it.</summary>
    private void WriteSyntax(Value value, FormatFlags flags)
    {
        output.Append(value.TypeName).Append('{');
        var items = value switch
        {
            RawListValue list => list.Elements.Select(item => ("", item)),
            TextListValue list => list.Texts.Select(text => ("", (Value)new TextValue(text))),
            _ => ((RawMapValue)value).Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => (QuotedText.Of(entry.Key, default) + ":", entry.Value)),
        };
        var isFirst = true;
        foreach (var (key, item) in items)
        {
            output.Append(isFirst ? "" : ", ").Append(key);
            isFirst = false;
            if (item.IsNil)
            {
                output.Append("interface {}(nil)");
            }
            else
            {
                Write(item, 'v', flags);
            }
        }

        output.Append('}');
    }

    private void WriteEntries(RawMapValue map, int verb, FormatFlags flags)
    {
        var isFirst = true;
        foreach (var (key, value) in map.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            output.Append(isFirst ? "" : " ");
            isFirst = false;
            Write(new TextValue(key), verb, flags);
            output.Append(':');
            WriteItem(value, verb, flags);
        }
    }

    // Within a list nil is shown whatever the verb.
    private void WriteItem(Value item, int verb, FormatFlags flags)
    {
        if (item.IsNil)
        {
            Pad("<nil>", flags);
        }
        else
        {
            Write(item, verb, flags);
        }
    }

    private void WriteText(string text, int verb, FormatFlags flags)
    {
        switch (verb)
        {
            case 'v' or 's':
                Pad(Truncated(text, flags), flags);
                break;
            case 'q':
                Pad(QuotedText.Of(Truncated(text, flags), flags), flags);
                break;
            default:
                WriteHexadecimal(text, verb == 'X', flags);
                break;
        }
    }

    /// <summary>The precision counts characters.</summary>
    private static string Truncated(string text, FormatFlags flags)
    {
        if (flags.Precision is not { } precision)
        {
            return text;
        }

        var count = 0;
        foreach (var (_, start, _) in ByteText.Runes(text))
        {
            if (count++ == precision)
            {
                return text[..start];
            }
        }

        return text;
    }

    private void WriteHexadecimal(string text, bool isUpper, FormatFlags flags)
    {
        var length = Math.Min(text.Length, flags.Precision ?? int.MaxValue);
        var digits = new StringBuilder();
        var prefix = flags.Sharp ? isUpper ? "0X" : "0x" : "";
        for (var i = 0; i < length; i++)
        {
            if (i == 0 || flags.Space)
            {
                digits.Append(i > 0 ? " " : "").Append(prefix);
            }

            digits.Append(((int)text[i]).ToString(isUpper ? "X2" : "x2", CultureInfo.InvariantCulture));
        }

        Pad(digits.ToString(), flags);
    }

    private void WriteInt(long number, Value value, int verb, FormatFlags flags)
    {
        switch (verb)
        {
            case 'v' or 'd':
                Pad(FormattedNumber.Integer(number, 10, false, "", flags), flags with { Zero = false });
                break;
            case 'b':
                Pad(FormattedNumber.Integer(number, 2, false, flags.Sharp ? "0b" : "", flags), flags with { Zero = false });
                break;
            case 'o':
                Pad(FormattedNumber.Integer(number, 8, false, flags.Sharp ? "0" : "", flags), flags with { Zero = false });
                break;
            case 'O':
                Pad(FormattedNumber.Integer(number, 8, false, "0o", flags), flags with { Zero = false });
                break;
            case 'x':
                Pad(FormattedNumber.Integer(number, 16, false, flags.Sharp ? "0x" : "", flags), flags with { Zero = false });
                break;
            case 'X':
                Pad(FormattedNumber.Integer(number, 16, true, flags.Sharp ? "0X" : "", flags), flags with { Zero = false });
                break;
            case 'c':
                Pad(ByteText.Of(FormattedNumber.RuneOf(number)), flags);
                break;
            case 'q':
                var rune = FormattedNumber.RuneOf(number);
                Pad("'" + QuotedText.Escaped(rune, ByteText.Of(rune), '\'', flags.Plus) + "'", flags);
                break;
            case 'U':
                Pad(FormattedNumber.CodePoint(number, flags), flags with { Zero = false });
                break;
            default:
                BadVerb(value, verb, flags);
                break;
        }
    }

    private void WriteDouble(double number, Value value, int verb, FormatFlags flags)
    {
        switch (verb)
        {
            case 'v':
                Pad(FormattedNumber.Signed(DoubleText.Format(number, 'g', flags.Precision ?? -1), ref flags), flags);
                break;
            case 'g' or 'G':
                Pad(FormattedNumber.Signed(FormattedNumber.Sharpened(DoubleText.Format(number, (char)verb, flags.Precision ?? -1), flags), ref flags), flags);
                break;
            case 'e' or 'E' or 'f' or 'F':
                Pad(FormattedNumber.Signed(DoubleText.Format(number, (char)verb, flags.Precision ?? 6), ref flags), flags);
                break;
            case 'b' or 'x' or 'X':
                Pad(FormattedNumber.Signed(BinaryDouble.Format(number, (char)verb, flags.Precision ?? -1), ref flags), flags);
                break;
            default:
                BadVerb(value, verb, flags);
                break;
        }
    }

    /// <summary>The width counts characters; zeros pad texts too.</summary>
    private void Pad(string text, FormatFlags flags)
    {
        var missing = (flags.Width ?? 0) - (flags.Width is null ? 0 : ByteText.Runes(text).Count());
        if (missing <= 0)
        {
            output.Append(text);
        }
        else if (flags.Minus)
        {
            output.Append(text).Append(' ', missing);
        }
        else
        {
            output.Append(flags.Zero ? '0' : ' ', missing).Append(text);
        }
    }
}
