using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace OtlpTap.Rules.Expressions.Texts;

/// <summary>
/// Values as JSON. Two writers of the reference's are in use: the one behind <c>String</c> and <c>IsMatch</c> escapes
/// <c>&lt; > &amp;</c> and writes 1e-07; the one behind a log's <c>body.string</c> does neither. Slot programs have the
/// first one in <see cref="OtlpTap.Rules.Values.ValueText"/>, on bytes.
/// </summary>
internal sealed class JsonText
{
    private readonly StringBuilder _text = new();
    private readonly bool _isPlain;

    private JsonText(bool isPlain) => _isPlain = isPlain;

    /// <summary>Null for what has none: NaN, infinity, a time beyond the year 9999.</summary>
    /// <param name="isPlain">The second of the two writers.</param>
    public static string? Of(Value value, bool isPlain)
    {
        var json = new JsonText(isPlain);
        return json.TryWrite(value) && json._text.Length <= ByteText.LengthMax ? json._text.ToString() : null;
    }

    private bool TryWrite(Value value)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            return false;
        }

        switch (value)
        {
            case NilValue or BytesValue { IsEmpty: true }:
                return Write("null");
            case BoolValue { Value: var boolean }:
                return Write(boolean ? "true" : "false");
            case IntValue { Value: var number }:
                return Write(number.ToString(CultureInfo.InvariantCulture));
            case MachineIntValue { Value: var number }:
                return Write(number.ToString(CultureInfo.InvariantCulture));
            case DurationValue { Nanoseconds: var nanoseconds }:
                return Write(nanoseconds.ToString(CultureInfo.InvariantCulture));
            case DoubleValue { Value: var number }:
                return DoubleText.Json(number, _isPlain) is { } digits && Write(digits);
            case TextValue { Text: var text }:
                return WriteQuoted(text);
            case BytesValue { Bytes: var bytes }:
                return Write("\"" + Convert.ToBase64String(bytes) + "\"");
            case IdValue { Bytes: var bytes }:
                return Write("[" + string.Join(',', bytes) + "]");
            case TimeValue { Time: var time }:
                return TimeText.Rfc3339(time) is { } timeText && Write("\"" + timeText + "\"");
            case TextListValue list:
                return WriteList(list.Texts, WriteQuoted);
            case RawListValue list:
                return WriteList(list.Elements, TryWrite);
            case RawMapValue map:
                return WriteMap(map);

            // What the reference keeps to itself shows nothing of itself within a list.
            default:
                return Write("{}");
        }
    }

    private bool Write(string text)
    {
        _text.Append(text);
        return _text.Length <= ByteText.LengthMax;
    }

    private bool WriteList<T>(IReadOnlyList<T> elements, Func<T, bool> write)
    {
        _text.Append('[');
        for (var i = 0; i < elements.Count; i++)
        {
            if (i > 0)
            {
                _text.Append(',');
            }

            if (!write(elements[i]))
            {
                return false;
            }
        }

        _text.Append(']');
        return true;
    }

    private bool WriteMap(RawMapValue map)
    {
        _text.Append('{');
        var isFirst = true;
        foreach (var (key, value) in map.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            if (!isFirst)
            {
                _text.Append(',');
            }

            isFirst = false;
            WriteQuoted(key);
            _text.Append(':');
            if (!TryWrite(value))
            {
                return false;
            }
        }

        _text.Append('}');
        return true;
    }

    private bool WriteQuoted(string text)
    {
        _text.Append('"');
        foreach (var (rune, start, length) in ByteText.Runes(text))
        {
            switch (rune.Value)
            {
                case '"' or '\\':
                    _text.Append('\\').Append(text[start]);
                    break;
                case '\n':
                    _text.Append("\\n");
                    break;
                case '\r':
                    _text.Append("\\r");
                    break;
                case '\t':
                    _text.Append("\\t");
                    break;
                case '\b' when _isPlain:
                    _text.Append("\\b");
                    break;
                case '\f' when _isPlain:
                    _text.Append("\\f");
                    break;
                case < 0x20:
                case '<' or '>' or '&' when !_isPlain:
                case 0x2028 or 0x2029:
                    _text.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
                    break;
                case 0xFFFD when length == 1:
                    _text.Append("\\ufffd");
                    break;
                default:
                    _text.Append(text, start, length);
                    break;
            }
        }

        _text.Append('"');
        return _text.Length <= ByteText.LengthMax;
    }
}
