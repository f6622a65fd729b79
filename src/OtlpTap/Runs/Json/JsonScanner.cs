using System.Buffers;

namespace OtlpTap.Runs.Json;

/// <summary>The one pass over a JSON text that fills its table.</summary>
internal ref struct JsonScanner(string text, int depthMax, int valuesMax)
{
    private static readonly SearchValues<char> TextStops = SearchValues.Create("\"\\");
    private static readonly SearchValues<char> Spaces = SearchValues.Create(" \t\r\n");

    private readonly ReadOnlySpan<char> _text = text;
    private JsonEntry[] _entries = new JsonEntry[Math.Clamp(text.Length / 16, 4, 4_096)];
    private int _count;
    private int _position;
    private bool _isCut;

    public readonly JsonEntry[] Entries => _entries;

    public bool TryScan(out bool isCut)
    {
        var valid = ReadValue(depthMax, default);
        isCut = _isCut;
        if (!valid || _count == 0)
        {
            return false;
        }

        SkipSpace();
        return _position == _text.Length;
    }

    private bool ReadValue(int depthLeft, JsonEntry entry)
    {
        SkipSpace();
        if (IsAtEnd())
        {
            return true;
        }

        if (_count == valuesMax)
        {
            return false;
        }

        var index = Add();
        entry.Start = _position;
        bool valid;
        switch (_text[_position])
        {
            case '{':
                entry.Kind = JsonKind.Object;
                valid = depthLeft > 0 && ReadMembers(depthLeft - 1);
                break;

            case '[':
                entry.Kind = JsonKind.Array;
                valid = depthLeft > 0 && ReadItems(depthLeft - 1);
                break;

            case '"':
                entry.Kind = JsonKind.Text;
                entry.Start++;
                valid = ReadText(out var textEnd, out var isEscaped);
                entry.End = textEnd;
                entry.IsEscaped = isEscaped;
                entry.Next = _count;
                _entries[index] = entry;
                return valid;

            case 't':
                entry.Kind = JsonKind.True;
                valid = ReadWord("true");
                break;

            case 'f':
                entry.Kind = JsonKind.False;
                valid = ReadWord("false");
                break;

            case 'n':
                entry.Kind = JsonKind.Null;
                valid = ReadWord("null");
                break;

            // Python and JavaScript write these where there is no number.
            case 'N':
                entry.Kind = JsonKind.Null;
                valid = ReadWord("NaN");
                break;

            default:
                entry.Kind = JsonKind.Number;
                valid = ReadNumber();
                break;
        }

        entry.End = _position;
        entry.Next = _count;
        _entries[index] = entry;
        return valid;
    }

    private bool ReadMembers(int depthLeft)
    {
        _position++;
        SkipSpace();
        if (IsAtEnd())
        {
            return true;
        }

        if (_text[_position] == '}')
        {
            _position++;
            return true;
        }

        while (true)
        {
            SkipSpace();
            if (IsAtEnd())
            {
                return true;
            }

            if (_text[_position] != '"')
            {
                return false;
            }

            var member = new JsonEntry { NameStart = _position + 1 };
            if (!ReadText(out var nameEnd, out var isNameEscaped))
            {
                return false;
            }

            member.NameEnd = nameEnd;
            member.IsNameEscaped = isNameEscaped;
            SkipSpace();
            if (IsAtEnd())
            {
                return true;
            }

            if (_text[_position++] != ':' || !ReadValue(depthLeft, member))
            {
                return false;
            }

            if (!ReadSeparator('}', out var isLast))
            {
                return false;
            }

            if (isLast)
            {
                return true;
            }
        }
    }

    private bool ReadItems(int depthLeft)
    {
        _position++;
        SkipSpace();
        if (IsAtEnd())
        {
            return true;
        }

        if (_text[_position] == ']')
        {
            _position++;
            return true;
        }

        while (true)
        {
            if (!ReadValue(depthLeft, default) || !ReadSeparator(']', out var isLast))
            {
                return false;
            }

            if (isLast)
            {
                return true;
            }
        }
    }

    private bool ReadSeparator(char close, out bool isLast)
    {
        isLast = true;
        SkipSpace();
        if (IsAtEnd())
        {
            return true;
        }

        var character = _text[_position++];
        isLast = character == close;
        return isLast || character == ',';
    }

    private bool ReadText(out int end, out bool isEscaped)
    {
        _position++;
        isEscaped = false;
        while (true)
        {
            var stop = _text[_position..].IndexOfAny(TextStops);
            if (stop < 0)
            {
                end = _position = _text.Length;
                _isCut = true;
                return true;
            }

            _position += stop;
            if (_text[_position] == '"')
            {
                end = _position++;
                return true;
            }

            isEscaped = true;
            _position = Math.Min(_position + 2, _text.Length);
        }
    }

    private bool ReadWord(string word)
    {
        var left = _text[_position..];
        if (left.StartsWith(word))
        {
            _position += word.Length;
            return true;
        }

        if (left.Length < word.Length && word.AsSpan().StartsWith(left))
        {
            _position = _text.Length;
            _isCut = true;
            return true;
        }

        return false;
    }

    private bool ReadNumber()
    {
        var start = _position;
        while (_position < _text.Length && (char.IsAsciiDigit(_text[_position]) || _text[_position] is '-' or '+' or '.' or 'e' or 'E'))
        {
            _position++;
        }

        return _position > start;
    }

    private bool IsAtEnd()
    {
        if (_position < _text.Length)
        {
            return false;
        }

        _isCut = true;
        return true;
    }

    private void SkipSpace()
    {
        if (_position < _text.Length && _text[_position] <= ' ')
        {
            var skipped = _text[_position..].IndexOfAnyExcept(Spaces);
            _position = skipped < 0 ? _text.Length : _position + skipped;
        }
    }

    private int Add()
    {
        if (_count == _entries.Length)
        {
            Array.Resize(ref _entries, 2 * _count);
        }

        return _count++;
    }
}
