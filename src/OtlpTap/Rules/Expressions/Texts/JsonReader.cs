using System.Text;

namespace OtlpTap.Rules.Expressions.Texts;

/// <summary>
/// Reads JSON as the reference's reader does, which is more lenient than others (a number may start with zeros, a text may
/// hold line breaks). Every number is a double. Objects and lists come out as received values.
/// </summary>
internal ref struct JsonReader
{
    /// <summary>Deeper than data ever is; it bounds what all that follows has to walk.</summary>
    private const int DepthMax = 512;

    private readonly ReadOnlySpan<char> _text;
    private int _at;
    private string _problem = "";

    private JsonReader(string text) => _text = text;

    private readonly char Current => _at < _text.Length ? _text[_at] : '\0';

    /// <summary>A <see cref="Failure"/> when it is no JSON.</summary>
    public static Value Read(string text)
    {
        var reader = new JsonReader(text);
        if (reader.Value(0) is { } value)
        {
            reader.SkipBlanks();
            if (reader.Current == '\0')
            {
                return value;
            }

            reader._problem = "something follows it";
        }

        return new Failure($"the text is no JSON: at byte {reader._at}: {reader._problem}");
    }

    private void SkipBlanks()
    {
        while (Current is ' ' or '\n' or '\t' or '\r')
        {
            _at++;
        }
    }

    private Value? Value(int depth)
    {
        SkipBlanks();
        switch (Current)
        {
            case '{' or '[' when depth == DepthMax:
                return Fail($"it is nested more than {DepthMax} deep");
            case '{':
                return Object(depth + 1);
            case '[':
                return List(depth + 1);
            case '-' or (>= '0' and <= '9'):
                return Number();
            case '"':
                return Text() is { } text ? new TextValue(text) : null;
            case 't':
                return Word("true", BoolValue.True);
            case 'f':
                return Word("false", BoolValue.False);
            case 'n':
                return Word("null", Expressions.Value.Nil);
            default:
                return Fail("a value is expected");
        }
    }

    private Value? Fail(string problem)
    {
        _problem = problem;
        return null;
    }

    private Value? Word(string word, Value value)
    {
        if (!_text[_at..].StartsWith(word))
        {
            return Fail($"{word} is expected");
        }

        _at += word.Length;
        return value;
    }

    private Value? Object(int depth)
    {
        var entries = new List<KeyValuePair<string, Value>>();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        _at++;
        SkipBlanks();
        if (Current == '}')
        {
            _at++;
            return new MapValue(entries);
        }

        while (true)
        {
            SkipBlanks();
            if (Key() is not { } key)
            {
                return null;
            }

            SkipBlanks();
            if (Current != ':')
            {
                return Fail("a colon is expected");
            }

            _at++;
            if (Value(depth) is not { } value)
            {
                return null;
            }

            if (places.TryGetValue(key, out var place))
            {
                entries[place] = new(key, value);
            }
            else
            {
                places.Add(key, entries.Count);
                entries.Add(new(key, value));
            }

            SkipBlanks();
            switch (Current)
            {
                case '}':
                    _at++;
                    return new MapValue(entries);
                case ',':
                    _at++;
                    break;
                default:
                    return Fail("a comma or } is expected");
            }
        }
    }

    private string? Key()
    {
        switch (Current)
        {
            case '"':
                return Text();
            case 'n' when _text[_at..].StartsWith("null"):
                _at += 4;
                return "";
            default:
                _problem = "a key in quotes is expected";
                return null;
        }
    }

    private Value? List(int depth)
    {
        var elements = new List<Value>();
        _at++;
        SkipBlanks();
        if (Current == ']')
        {
            _at++;
            return new ListValue(elements);
        }

        while (true)
        {
            if (Value(depth) is not { } value)
            {
                return null;
            }

            elements.Add(value);
            SkipBlanks();
            switch (Current)
            {
                case ']':
                    _at++;
                    return new ListValue(elements);
                case ',':
                    _at++;
                    break;
                default:
                    return Fail("a comma or ] is expected");
            }
        }
    }

    private Value? Number()
    {
        var start = _at++;
        while (char.IsAsciiDigit(Current) || Current is '.' or 'e' or 'E' or '+' or '-')
        {
            _at++;
        }

        if (Current is not ('\0' or ' ' or '\t' or '\r' or '\n' or ',' or ':' or '}' or ']') || !NumberText.TryParseDouble(_text[start.._at].ToString(), out var value))
        {
            return Fail("the number is none");
        }

        return new DoubleValue(value);
    }

    private string? Text()
    {
        var text = new StringBuilder();
        for (_at++; Current != '"'; _at++)
        {
            if (Current == '\0')
            {
                _problem = "the text has no end";
                return null;
            }

            if (Current != '\\')
            {
                text.Append(Current);
                continue;
            }

            _at++;
            switch (Current)
            {
                case '"' or '\\' or '/':
                    text.Append(Current);
                    break;
                case 'b':
                    text.Append('\b');
                    break;
                case 'f':
                    text.Append('\f');
                    break;
                case 'n':
                    text.Append('\n');
                    break;
                case 'r':
                    text.Append('\r');
                    break;
                case 't':
                    text.Append('\t');
                    break;
                case 'u' when Hexadecimal(_at + 1) is { } unit:
                    _at += 4;
                    text.Append(ByteText.Of(Escaped(unit)));
                    break;
                default:
                    _problem = "the escape is unknown";
                    return null;
            }
        }

        _at++;
        return text.ToString();
    }

    /// <summary>A pair of surrogates is one character; a half alone is U+FFFD.</summary>
    private Rune Escaped(int unit)
    {
        if (unit is >= 0xD800 and < 0xDC00 && _at + 2 < _text.Length && _text[_at + 1] == '\\' && _text[_at + 2] == 'u' && Hexadecimal(_at + 3) is >= 0xDC00 and < 0xE000 and var low)
        {
            _at += 6;
            return new Rune((char)unit, (char)low);
        }

        return Rune.TryCreate(unit, out var rune) ? rune : Rune.ReplacementChar;
    }

    private readonly int? Hexadecimal(int at) =>
        at + 4 <= _text.Length && int.TryParse(_text.Slice(at, 4), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out var value)
            ? value
            : null;
}
