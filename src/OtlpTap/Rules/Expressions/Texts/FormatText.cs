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
    private readonly FormatWriter _writer;
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
        _writer = new FormatWriter(_text);
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
                _writer.Write(_values[i], 'v', default);
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
            _writer.Write(_values[_next++], verb.Value, _flags with { Plus = _flags.Plus && verb.Value != 'v' });
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
}
