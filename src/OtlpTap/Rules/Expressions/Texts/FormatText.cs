using System.Globalization;
using System.Text;

namespace OtlpTap.Rules.Expressions.Texts;

/// <summary>
/// <c>Format</c>: Go's verbs, and its remarks within the text where verbs and values do not fit (<c>%!d(string=a)</c>).
/// Source: https://pkg.go.dev/fmt.
/// </summary>
internal sealed class FormatText
{
    /// <summary>Go's bound on widths, precisions and indexes; what is larger is a remark.</summary>
    private const int NumberMax = 1_000_000;

    private readonly string _format;
    private readonly IReadOnlyList<Value> _values;
    private readonly StringBuilder _text = new();
    private int _at;
    private int _next;
    private bool _reordered;
    private bool _goodIndex;
    private bool _afterIndex;
    private FormatFlags _flags;

    private FormatText(string format, IReadOnlyList<Value> values)
    {
        _format = format;
        _values = values;
    }

    /// <summary>A <see cref="Failure"/> when the text would become too long.</summary>
    public static Value Format(string format, IReadOnlyList<Value> values)
    {
        var text = new FormatText(format, values);
        return text.TryWrite() ? new TextValue(text._text.ToString()) : new Failure("the formatted text is too long");
    }

    private bool TryWrite()
    {
        while (_at < _format.Length)
        {
            var percent = _format.IndexOf('%', _at);
            var end = percent < 0 ? _format.Length : percent;
            _text.Append(_format, _at, end - _at);
            _at = end + 1;
            if (percent >= 0)
            {
                Directive();
            }

            if (_text.Length > ByteText.LengthMax)
            {
                return false;
            }
        }

        if (!_reordered && _next < _values.Count)
        {
            _text.Append("%!(EXTRA ");
            for (var i = _next; i < _values.Count; i++)
            {
                _text.Append(i > _next ? ", " : "");
                if (_values[i].IsNil)
                {
                    _text.Append("<nil>");
                    continue;
                }

                _text.Append(_values[i].TypeName).Append('=');
                Write(_values[i], 'v', default);
            }

            _text.Append(')');
        }

        return _text.Length <= ByteText.LengthMax;
    }

    private void Directive()
    {
        _flags = ReadFlags();
        _afterIndex = false;
        _goodIndex = true;
        ArgumentIndex();
        if (Accept('*'))
        {
            _flags.Width = StarNumber("%!(BADWIDTH)");
            if (_flags.Width < 0)
            {
                _flags.Width = -_flags.Width;
                _flags.Minus = true;
                _flags.Zero = false;
            }

            _afterIndex = false;
        }
        else
        {
            _flags.Width = Number();
            if (_afterIndex && _flags.Width is not null)
            {
                _goodIndex = false;
            }
        }

        if (_at + 1 <= _format.Length && Accept('.'))
        {
            if (_afterIndex)
            {
                _goodIndex = false;
            }

            ArgumentIndex();
            if (Accept('*'))
            {
                _flags.Precision = StarNumber("%!(BADPREC)");
                if (_flags.Precision < 0)
                {
                    _flags.Precision = null;
                    _text.Append("%!(BADPREC)");
                }

                _afterIndex = false;
            }
            else
            {
                _flags.Precision = Number() ?? 0;
            }
        }

        if (!_afterIndex)
        {
            ArgumentIndex();
        }

        if (_at >= _format.Length)
        {
            _text.Append("%!(NOVERB)");
            return;
        }

        var (verb, length) = ByteText.RuneAt(_format, _at);
        var verbText = _format.Substring(_at, length);
        _at += length;
        if (verb.Value == '%')
        {
            _text.Append('%');
        }
        else if (!_goodIndex)
        {
            _text.Append("%!").Append(verbText).Append("(BADINDEX)");
        }
        else if (_next >= _values.Count)
        {
            _text.Append("%!").Append(verbText).Append("(MISSING)");
        }
        else
        {
            // %+v shows the names of fields, and there are none.
            Write(_values[_next++], verb.Value, _flags with { Plus = _flags.Plus && verb.Value != 'v' });
        }
    }

    private FormatFlags ReadFlags()
    {
        var flags = default(FormatFlags);
        for (; _at < _format.Length; _at++)
        {
            switch (_format[_at])
            {
                case '#':
                    flags.Sharp = true;
                    break;
                case '0':
                    flags.Zero = true;
                    break;
                case '+':
                    flags.Plus = true;
                    break;
                case '-':
                    flags.Minus = true;
                    break;
                case ' ':
                    flags.Space = true;
                    break;
                default:
                    return flags;
            }
        }

        return flags;
    }

    private bool Accept(char expected)
    {
        if (_at >= _format.Length || _format[_at] != expected)
        {
            return false;
        }

        _at++;
        return true;
    }

    private int? Number()
    {
        var start = _at;
        var value = 0;
        while (_at < _format.Length && char.IsAsciiDigit(_format[_at]))
        {
            if (value > NumberMax)
            {
                _at = _format.Length;
                return null;
            }

            value = (value * 10) + (_format[_at++] - '0');
        }

        return _at > start ? value : null;
    }

    private int? StarNumber(string remark)
    {
        if (_next < _values.Count)
        {
            var value = _values[_next++] switch { IntValue number => number.Value, MachineIntValue number => number.Value, _ => long.MaxValue };
            if (Math.Abs((decimal)value) <= NumberMax)
            {
                return (int)value;
            }
        }

        _text.Append(remark);
        return null;
    }

    /// <summary><c>[2]</c>: which value comes next.</summary>
    private void ArgumentIndex()
    {
        if (_at >= _format.Length || _format[_at] != '[')
        {
            return;
        }

        _reordered = true;
        var close = _format.IndexOf(']', _at);
        if (close < 0)
        {
            _goodIndex = false;
            _at++;
            return;
        }

        var number = _format.AsSpan(_at + 1, close - _at - 1);
        _at = close + 1;
        if (int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index >= 1 && index <= _values.Count)
        {
            _next = index - 1;
            _afterIndex = true;
        }
        else
        {
            _goodIndex = false;
        }
    }

    private void Write(Value value, int verb, FormatFlags flags)
    {
        switch (value, verb)
        {
            case (NilValue, 'T' or 'v'):
                Pad("<nil>", flags);
                return;
            case (NilValue, _):
                _text.Append("%!").Append(VerbText(verb)).Append("(<nil>)");
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
                Pad(Quoted(text.Text, flags with { Sharp = false }), flags);
                return;
            case (TextValue text, 'v' or 's' or 'x' or 'X' or 'q'):
                WriteText(text.Text, verb, flags);
                return;
            case (BytesValue bytes, 's' or 'x' or 'X' or 'q'):
                WriteText(ByteText.Of(bytes.Bytes), verb, flags);
                return;
            case (BytesValue bytes, 'v') when flags.Sharp:
                _text.Append("[]byte{").AppendJoin(", ", bytes.Bytes.Select(item => $"0x{item:x}")).Append('}');
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
                _text.Append("map[");
                WriteEntries(map, verb, flags);
                _text.Append(']');
                return;

            // The reference shows addresses in memory; nothing can be compared with those.
            case (MapValue or ListValue or OpaqueValue or TimeValue, _):
                _text.Append("{...}");
                return;
            default:
                BadVerb(value, verb, flags);
                return;
        }
    }

    private static string VerbText(int verb) => ByteText.Of(new Rune(verb));

    private void BadVerb(Value value, int verb, FormatFlags flags)
    {
        _text.Append("%!").Append(VerbText(verb)).Append('(').Append(value.TypeName).Append('=');
        Write(value, 'v', flags);
        _text.Append(')');
    }

    private void WriteSequence(IEnumerable<Value> items, int verb, FormatFlags flags)
    {
        _text.Append('[');
        var isFirst = true;
        foreach (var item in items)
        {
            _text.Append(isFirst ? "" : " ");
            isFirst = false;
            WriteItem(item, verb, flags);
            if (_text.Length > ByteText.LengthMax)
            {
                return;
            }
        }

        _text.Append(']');
    }

    /// <summary><c>%#v</c>: as Go's source has it.</summary>
    private void WriteSyntax(Value value, FormatFlags flags)
    {
        _text.Append(value.TypeName).Append('{');
        var items = value switch
        {
            RawListValue list => list.Elements.Select(item => ("", item)),
            TextListValue list => list.Texts.Select(text => ("", (Value)new TextValue(text))),
            _ => ((RawMapValue)value).Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => (Quoted(entry.Key, default) + ":", entry.Value)),
        };
        var isFirst = true;
        foreach (var (key, item) in items)
        {
            _text.Append(isFirst ? "" : ", ").Append(key);
            isFirst = false;
            if (item.IsNil)
            {
                _text.Append("interface {}(nil)");
            }
            else
            {
                Write(item, 'v', flags);
            }
        }

        _text.Append('}');
    }

    private void WriteEntries(RawMapValue map, int verb, FormatFlags flags)
    {
        var isFirst = true;
        foreach (var (key, value) in map.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            _text.Append(isFirst ? "" : " ");
            isFirst = false;
            Write(new TextValue(key), verb, flags);
            _text.Append(':');
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
                Pad(Quoted(Truncated(text, flags), flags), flags);
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

    private static string Quoted(string text, FormatFlags flags)
    {
        if (flags.Sharp && !text.Contains('`') && ByteText.Runes(text).All(item => item.Rune.Value is not (0x7F or 0xFEFF or 0xFFFD) && (item.Rune.Value >= ' ' || item.Rune.Value == '\t')))
        {
            return "`" + text + "`";
        }

        var quoted = new StringBuilder("\"");
        foreach (var (rune, start, length) in ByteText.Runes(text))
        {
            quoted.Append(Escaped(rune, text.AsSpan(start, length), '"', flags.Plus));
        }

        return quoted.Append('"').ToString();
    }

    private static string Escaped(Rune rune, ReadOnlySpan<char> bytes, char quote, bool isAscii)
    {
        if (rune == Rune.ReplacementChar && bytes.Length == 1)
        {
            return $"\\x{(int)bytes[0]:x2}";
        }

        if (rune.Value == quote || rune.Value == '\\')
        {
            return "\\" + (char)rune.Value;
        }

        if (rune.Value < 0x80 ? rune.Value is >= ' ' and < 0x7F : !isAscii && IsPrintable(rune))
        {
            return bytes.ToString();
        }

        return rune.Value switch
        {
            '\a' => "\\a",
            '\b' => "\\b",
            '\f' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\v' => "\\v",
            < ' ' or 0x7F => $"\\x{rune.Value:x2}",
            < 0x10000 => $"\\u{rune.Value:x4}",
            _ => $"\\U{rune.Value:x8}",
        };
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private void WriteInt(long number, Value value, int verb, FormatFlags flags)
    {
        switch (verb)
        {
            case 'v' or 'd':
                Integer(number, 10, false, "", flags);
                break;
            case 'b':
                Integer(number, 2, false, flags.Sharp ? "0b" : "", flags);
                break;
            case 'o':
                Integer(number, 8, false, flags.Sharp ? "0" : "", flags);
                break;
            case 'O':
                Integer(number, 8, false, "0o", flags);
                break;
            case 'x':
                Integer(number, 16, false, flags.Sharp ? "0x" : "", flags);
                break;
            case 'X':
                Integer(number, 16, true, flags.Sharp ? "0X" : "", flags);
                break;
            case 'c':
                Pad(ByteText.Of(RuneOf(number)), flags);
                break;
            case 'q':
                var rune = RuneOf(number);
                Pad("'" + Escaped(rune, ByteText.Of(rune), '\'', flags.Plus) + "'", flags);
                break;
            case 'U':
                Unicode(number, flags);
                break;
            default:
                BadVerb(value, verb, flags);
                break;
        }
    }

    private static Rune RuneOf(long number) => number is >= 0 and <= int.MaxValue && Rune.TryCreate((int)number, out var rune) ? rune : Rune.ReplacementChar;

    private void Integer(long number, int numberBase, bool isUpper, string prefix, FormatFlags flags)
    {
        var isNegative = number < 0;
        var magnitude = isNegative ? unchecked((ulong)-number) : (ulong)number;
        if (flags.Precision == 0 && magnitude == 0)
        {
            Pad("", flags with { Zero = false });
            return;
        }

        var digits = new StringBuilder();
        do
        {
            var digit = (int)(magnitude % (ulong)numberBase);
            digits.Insert(0, (char)(digit < 10 ? '0' + digit : (isUpper ? 'A' : 'a') + digit - 10));
            magnitude /= (ulong)numberBase;
        }
        while (magnitude > 0);

        var sign = isNegative ? "-" : flags.Plus ? "+" : flags.Space ? " " : "";
        var count = flags.Precision ?? (flags.Zero && !flags.Minus && flags.Width is { } width ? width - sign.Length : 0);
        var text = digits.ToString().PadLeft(Math.Max(0, count), '0');

        // An octal number that starts with a zero has its prefix already.
        prefix = prefix == "0" && text[0] == '0' ? "" : prefix;
        Pad(sign + prefix + text, flags with { Zero = false });
    }

    private void Unicode(long number, FormatFlags flags)
    {
        var digits = unchecked((ulong)number).ToString("X", CultureInfo.InvariantCulture).PadLeft(Math.Max(4, flags.Precision ?? 4), '0');
        var character = flags.Sharp && number is >= 0 and <= 0x10FFFF && Rune.TryCreate((int)number, out var rune) && IsPrintable(rune) ? $" '{ByteText.Of(rune)}'" : "";
        Pad("U+" + digits + character, flags with { Zero = false });
    }

    private void WriteDouble(double number, Value value, int verb, FormatFlags flags)
    {
        switch (verb)
        {
            case 'v':
                Double(DoubleText.Format(number, 'g', flags.Precision ?? -1), flags);
                break;
            case 'g' or 'G':
                Double(Sharpened(DoubleText.Format(number, (char)verb, flags.Precision ?? -1), flags), flags);
                break;
            case 'e' or 'E' or 'f' or 'F':
                Double(DoubleText.Format(number, (char)verb, flags.Precision ?? 6), flags);
                break;
            case 'b' or 'x' or 'X':
                Double(BinaryDouble.Format(number, (char)verb, flags.Precision ?? -1), flags);
                break;
            default:
                BadVerb(value, verb, flags);
                break;
        }
    }

    /// <summary>With # a number keeps its point and as many digits as the precision asks for, six without one.</summary>
    private static string Sharpened(string text, FormatFlags flags)
    {
        if (!flags.Sharp || !char.IsAsciiDigit(text[^1]))
        {
            return text;
        }

        var exponentAt = text.AsSpan().IndexOfAny('e', 'E');
        var mantissa = exponentAt < 0 ? text : text[..exponentAt];
        var wanted = flags.Precision is { } precision ? Math.Max(1, precision) : 6;
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal).TrimStart('-', '0').Length;
        mantissa += mantissa.Contains('.') ? "" : ".";
        return mantissa + new string('0', Math.Max(0, wanted - Math.Max(digits, mantissa.TrimStart('-') is "0." ? 1 : 0))) + (exponentAt < 0 ? "" : text[exponentAt..]);
    }

    private void Double(string text, FormatFlags flags)
    {
        var isFinite = char.IsAsciiDigit(text[^1]);
        if (text[0] is not ('-' or '+'))
        {
            text = (flags.Plus ? "+" : flags.Space ? " " : "") + text;
        }
        else if (text[0] == '+' && !flags.Plus)
        {
            // Only infinity comes with a plus, and keeps it without the flag.
            text = flags.Space ? " " + text[1..] : text;
        }

        // Zeros do not pad what is no number.
        flags.Zero &= isFinite;
        if (flags.Zero && !flags.Minus && flags.Width > text.Length && text[0] is '-' or '+' or ' ')
        {
            Pad(text[0] + text[1..].PadLeft(flags.Width.Value - 1, '0'), flags with { Zero = false });
            return;
        }

        Pad(text, flags);
    }

    /// <summary>The width counts characters; zeros pad texts too.</summary>
    private void Pad(string text, FormatFlags flags)
    {
        var missing = (flags.Width ?? 0) - (flags.Width is null ? 0 : ByteText.Runes(text).Count());
        if (missing <= 0)
        {
            _text.Append(text);
        }
        else if (flags.Minus)
        {
            _text.Append(text).Append(' ', missing);
        }
        else
        {
            _text.Append(flags.Zero ? '0' : ' ', missing).Append(text);
        }
    }

    private record struct FormatFlags(bool Sharp, bool Zero, bool Plus, bool Minus, bool Space, int? Width, int? Precision);
}
