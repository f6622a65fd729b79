using System.Globalization;

namespace OtlpTap.Detectors.Grounding;

/// <summary>Walks a text once and gives its words, numbers, dates, times, identifiers and addresses, in order. Each character is looked at a bounded number of times.</summary>
internal ref struct ElementReader(ReadOnlySpan<char> text)
{
    /// <summary>What is longer without a space is read in pieces.</summary>
    private const int ChunkMax = 256;

    private readonly ReadOnlySpan<char> _text = text;
    private int _at;
    private Element _second;
    private bool _hasSecond;

    public Element Current;

    public bool MoveNext()
    {
        if (_hasSecond)
        {
            Current = _second;
            _hasSecond = false;
            return true;
        }

        while (_at < _text.Length)
        {
            var c = _text[_at];
            if (c == '\\' && _at + 1 < _text.Length && _text[_at + 1] is 'n' or 't' or 'r')
            {
                // JSON inside of text that is not read as JSON.
                _at += 2;
                continue;
            }

            if (!char.IsLetterOrDigit(c))
            {
                _at++;
                continue;
            }

            var end = ChunkEnd(_at);
            Read(_at, end);
            return true;
        }

        return false;
    }

    private readonly int ChunkEnd(int start)
    {
        var most = Math.Min(_text.Length, start + ChunkMax);
        var address = IsAddress(start);
        var i = start + 1;
        for (; i < most; i++)
        {
            var c = _text[i];
            if (char.IsLetterOrDigit(c))
            {
                continue;
            }

            if (address && !char.IsWhiteSpace(c) && c is not ('"' or '<' or '>' or ')' or ']' or '\'' or '`' or '\\' or '*' or '|'))
            {
                continue;
            }

            var between = i + 1 < most && char.IsLetterOrDigit(_text[i + 1]);
            var joins = c switch
            {
                '-' or '_' or '.' or '/' or '@' or ':' or '#' or '&' => between,
                '\'' or '\u2019' => between && char.IsLetterOrDigit(_text[i - 1]),
                ',' => between && char.IsDigit(_text[i - 1]) && char.IsDigit(_text[i + 1]),
                '+' => between && _text[start..i].Contains(':'),
                '\u00B2' or '\u00B3' => true,
                _ => false,
            };
            if (!joins)
            {
                break;
            }
        }

        while (address && i > start + 1 && _text[i - 1] is '.' or ',' or ';' or ':' or '!' or '?')
        {
            i--;
        }

        return i;
    }

    private readonly bool IsAddress(int at)
    {
        var rest = _text[at..Math.Min(_text.Length, at + 8)];
        return rest.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || rest.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || rest.StartsWith("www.", StringComparison.OrdinalIgnoreCase);
    }

    private void Read(int start, int end)
    {
        var chunk = _text[start..end];
        Current = new Element { Start = start, Length = end - start };
        _at = end;
        if (IsAddress(start))
        {
            Current.Kind = ElementKind.Address;
            return;
        }

        var at = chunk.IndexOf('@');
        if (at > 0 && chunk[at..].Contains('.'))
        {
            Current.Kind = ElementKind.Address;
            return;
        }

        if (!chunk.ContainsAnyInRange('0', '9'))
        {
            ReadWord(start, chunk);
            return;
        }

        if (TryDate(chunk) || TryTime(start, chunk))
        {
            return;
        }

        if (TryNumber(start, chunk))
        {
            return;
        }

        if (IsPath(chunk))
        {
            Current.Kind = ElementKind.Path;
            return;
        }

        Current.Kind = ElementKind.Identifier;
    }

    private void ReadWord(int start, ReadOnlySpan<char> chunk)
    {
        if (IsPath(chunk))
        {
            Current.Kind = ElementKind.Path;
            return;
        }

        // A chunk of letters is read word by word: first-rate, Q&A, key:value.
        var length = 1;
        while (length < chunk.Length && (char.IsLetter(chunk[length]) || chunk[length] is '\'' or '\u2019'))
        {
            length++;
        }

        Current.Length = length;
        _at = start + length;
        var word = chunk[..length];
        Current.Kind = ElementKind.Word;
        if (Vocabulary.TryGet(Vocabulary.Months, word, out var month) && char.IsUpper(word[0]) | word.Length > 4 && TryDayAndYear(month))
        {
            return;
        }

        if (Vocabulary.TryGet(Vocabulary.Numbers, word, out var value))
        {
            Current.Kind = ElementKind.Number;
            Current.Worded = true;
            if (value is >= 20 and < 100 && length < chunk.Length && chunk[length] == '-')
            {
                var rest = chunk[(length + 1)..];
                if (Vocabulary.TryGet(Vocabulary.Numbers, rest, out var ones) && ones < 10)
                {
                    value += ones;
                    Current.Length = chunk.Length;
                    _at = start + chunk.Length;
                }
            }

            Current.Value = Current.Other = value;
            Current.HalfPlace = 0;
            ReadUnit(scales: true);
        }
    }

    /// <summary>With a folder, or a file name with an extension that is none of a sentence.</summary>
    private static bool IsPath(ReadOnlySpan<char> chunk)
    {
        var dot = chunk.LastIndexOf('.');
        var slash = chunk.IndexOf('/');
        if (slash > 0 && (dot > slash || chunk[(slash + 1)..].Contains('/')))
        {
            return chunk.ContainsAnyInRange('a', 'z');
        }

        if (dot > 1 && slash < 0)
        {
            var extension = chunk[(dot + 1)..];
            var colon = extension.IndexOf(':');
            extension = colon > 0 ? extension[..colon] : extension;
            return extension is "go" or "py" or "cs" or "ts" or "js" or "tsx" or "java" or "kt" or "rs" or "cpp" or "md" or "json" or "yaml" or "yml" or "xml" or "html" or "css" or "sql" or "pdf" or "csv" or "txt" or "docx" or "xlsx" or "png" or "jpg" or "sh" or "log" or "toml" or "zip";
        }

        return false;
    }

    /// <summary>2026-03-14, 2026/03/14, 2026-03-14T10:05:00Z, 14.03.2026, 03/14/2026, 14-03-26.</summary>
    private bool TryDate(ReadOnlySpan<char> chunk)
    {
        var i = 0;
        if (!Digits(chunk, ref i, out var first, out var firstLength) || i >= chunk.Length || chunk[i] is not ('-' or '/' or '.'))
        {
            return false;
        }

        var separator = chunk[i++];
        if (!Digits(chunk, ref i, out var second, out var secondLength) || secondLength > 2 || i >= chunk.Length || chunk[i] != separator)
        {
            return false;
        }

        i++;
        if (!Digits(chunk, ref i, out var third, out var thirdLength))
        {
            return false;
        }

        Current.Kind = ElementKind.Date;
        if (firstLength == 4 && thirdLength <= 2)
        {
            (Current.Year, Current.Month, Current.Day) = (first, second, third);
            if (i < chunk.Length && chunk[i] is 'T' or 't')
            {
                SecondTime(chunk[(i + 1)..], Current.Start + i + 1);
            }
            else if (i != chunk.Length)
            {
                return false;
            }
        }
        else if (firstLength <= 2 && thirdLength is 4 or 2 && i == chunk.Length && (thirdLength == 4 || separator != '-'))
        {
            Current.Year = thirdLength == 2 ? 2000 + third : third;
            (Current.Day, Current.Month) = (first, second);
            if (second > 12 || (separator == '/' && first <= 12))
            {
                (Current.Day, Current.Month) = (second, first);
            }
        }
        else
        {
            return false;
        }

        if (Current.Month is < 1 or > 12 || Current.Day is < 1 or > 31)
        {
            _hasSecond = false;
            return false;
        }

        return true;
    }

    private void SecondTime(ReadOnlySpan<char> time, int start)
    {
        var i = 0;
        if (Digits(time, ref i, out var hour, out _) && hour < 24 && i < time.Length && time[i] == ':')
        {
            i++;
            if (Digits(time, ref i, out var minute, out _) && minute < 60)
            {
                _second = new Element { Kind = ElementKind.Time, Start = start, Length = i, Minutes = (hour * 60) + minute };
                _hasSecond = true;
            }
        }
    }

    /// <summary>10:05, 9 am, 7:45pm, 18h20, 8 Uhr.</summary>
    private bool TryTime(int start, ReadOnlySpan<char> chunk)
    {
        var i = 0;
        if (!Digits(chunk, ref i, out var hour, out var hourLength) || hourLength > 2 || hour > 24)
        {
            return false;
        }

        var minute = 0;
        var said = false;
        if (i + 2 < chunk.Length && (chunk[i] is ':' or 'h' or 'H' || (chunk[i] == '.' && IsNext(start + chunk.Length, "uhr"))))
        {
            i++;
            if (!Digits(chunk, ref i, out minute, out var length) || length != 2 || minute > 59)
            {
                return false;
            }

            said = true;
            if (i < chunk.Length && chunk[i] == ':')
            {
                i++;
                if (!Digits(chunk, ref i, out _, out _))
                {
                    return false;
                }
            }

            if (i < chunk.Length && chunk[i] is '.' or '+' or 'Z' or 'z')
            {
                i = chunk.Length;
            }
        }

        var end = start + i;
        var half = chunk[i..];
        if (half.IsEmpty)
        {
            var next = NextWord(end, out var nextEnd);
            if (Is(next, "am") || Is(next, "pm") || Is(next, "a.m") || Is(next, "p.m") || Is(next, "uhr") || Is(next, "o'clock"))
            {
                half = next;
                end = nextEnd;
            }
            else if (!said)
            {
                return false;
            }
        }
        else if (!(Is(half, "am") || Is(half, "pm") || (said && half[0] is '-' or '/')))
        {
            return false;
        }

        if (!half.IsEmpty && half[0] is 'a' or 'A')
        {
            hour %= 12;
        }
        else if (!half.IsEmpty && half[0] is 'p' or 'P')
        {
            hour = (hour % 12) + 12;
        }
        else
        {
            Current.HalfDayOpen = hour <= 12;
        }

        if (!half.IsEmpty && half[0] is '-' or '/')
        {
            end = start + i;
        }

        Current.Kind = ElementKind.Time;
        Current.Minutes = ((hour % 24) * 60) + minute;
        Current.Length = end - start;
        _at = end;
        return true;
    }

    private bool TryNumber(int start, ReadOnlySpan<char> chunk)
    {
        if (!char.IsAsciiDigit(chunk[0]))
        {
            return false;
        }

        var length = 0;
        while (length < chunk.Length && (char.IsAsciiDigit(chunk[length]) || (chunk[length] is '.' or ',' or '\'' && length + 1 < chunk.Length && char.IsAsciiDigit(chunk[length + 1]))))
        {
            length++;
        }

        if (!Values(chunk[..length]))
        {
            return false;
        }

        var rest = chunk[length..];
        var end = start + length;
        if (rest.IsEmpty)
        {
            // 1 049,50: a space between the thousands.
            if (length <= 3 && end + 4 <= _text.Length && _text[end] is ' ' or '\u00A0' or '\u202F' && IsThousands(end + 1, out var groupsEnd))
            {
                if (ValuesWithSpaces(_text[start..groupsEnd]))
                {
                    end = groupsEnd;
                }
            }
        }
        else if (rest[0] is '-' or '/' && rest.Length > 1)
        {
            var digits = rest[1..].IndexOfAnyExceptInRange('0', '9');
            if (char.IsAsciiDigit(rest[1]) && (digits >= 0 && rest[1 + digits] is not ('.' or ',') || chunk.Length > 11))
            {
                return false; // 55-120-9: an identifier
            }

            // 200-400, 8.9/10, 12-week: the next reading starts behind the sign.
            if (!char.IsAsciiDigit(rest[1]) && rest[1..].ContainsAnyInRange('0', '9'))
            {
                return false;
            }
        }
        else
        {
            if (Is(rest, "st") || Is(rest, "nd") || Is(rest, "rd") || Is(rest, "th") || Is(rest, "er"))
            {
                Current.Kind = ElementKind.Number;
                Current.Ordinal = true;
                Current.Length = chunk.Length;
                return TryDayBefore(start + chunk.Length) || true;
            }

            if (Vocabulary.TryGet(Vocabulary.Scales, rest, out var scale))
            {
                Current.Value *= scale;
                Current.Other *= scale;
                Current.HalfPlace *= scale;
                end = start + chunk.Length;
            }
            else if (Units.TryFind(rest, out var unit))
            {
                Current.Unit = unit;
                end = start + chunk.Length;
            }
            else
            {
                return false;
            }
        }

        Current.Kind = ElementKind.Number;
        Current.Length = end - start;
        _at = end;
        if (end == start + length && Current.Value is >= 1 and <= 31 && TryDayBefore(end))
        {
            return true;
        }

        ReadUnit(scales: true);
        return true;
    }

    private readonly bool IsThousands(int at, out int end)
    {
        end = at;
        var any = false;
        while (end + 3 <= _text.Length && _text.Slice(end, 3).IndexOfAnyExceptInRange('0', '9') < 0 && (end + 3 == _text.Length || !char.IsLetterOrDigit(_text[end + 3])))
        {
            end += 3;
            any = true;
            if (end + 1 < _text.Length && _text[end] is ' ' or '\u00A0' or '\u202F' && char.IsAsciiDigit(_text[end + 1]))
            {
                end++;
                continue;
            }

            if (end + 1 < _text.Length && _text[end] is ',' or '.' && char.IsAsciiDigit(_text[end + 1]))
            {
                end++;
                while (end < _text.Length && char.IsAsciiDigit(_text[end]))
                {
                    end++;
                }
            }

            return true;
        }

        end = any && char.IsWhiteSpace(_text[end - 1]) ? end - 1 : end;
        return any;
    }

    private bool ValuesWithSpaces(ReadOnlySpan<char> literal) => literal.Length <= 40 && Values(string.Concat(literal.ToString().Where(c => !char.IsWhiteSpace(c))));

    /// <summary>1,250.00 and 1.250,00 say which sign is which; 1.250 does not.</summary>
    private bool Values(ReadOnlySpan<char> literal)
    {
        if (literal.Length > 40)
        {
            return false;
        }

        var lastDot = literal.LastIndexOf('.');
        var lastComma = literal.LastIndexOf(',');
        var last = Math.Max(lastDot, lastComma);
        Span<char> plain = stackalloc char[literal.Length];
        double Parse(ReadOnlySpan<char> from, int point, Span<char> to)
        {
            var count = 0;
            for (var i = 0; i < from.Length; i++)
            {
                if (char.IsAsciiDigit(from[i]))
                {
                    to[count++] = from[i];
                }
                else if (i == point)
                {
                    to[count++] = '.';
                }
            }

            return double.TryParse(to[..count], NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN;
        }

        var behind = last < 0 ? 0 : literal.Length - last - 1;
        var repeated = last >= 0 && literal[..last].Contains(literal[last]);
        var both = lastDot >= 0 && lastComma >= 0;
        if (last < 0 || repeated || (behind == 3 && !both && literal[0] != '0'))
        {
            Current.Value = Parse(literal, -1, plain);
            Current.HalfPlace = 0.5;
            Current.Other = last < 0 || repeated ? Current.Value : Parse(literal, last, plain);
        }
        else
        {
            Current.Value = Current.Other = Parse(literal, last, plain);
            Current.HalfPlace = 0.5 * Math.Pow(10, -behind);
        }

        return !double.IsNaN(Current.Value);
    }

    /// <summary>What stands behind a number: %, a scale, a unit, or a currency before it.</summary>
    private void ReadUnit(bool scales)
    {
        var i = _at;
        if (Current.Unit.Dimension == Dimension.None && Current.Start > 0)
        {
            var before = _text[Current.Start - 1];
            if (before == ' ' && Current.Start > 1)
            {
                before = _text[Current.Start - 2];
            }

            if (before is '$' or '\u20AC' or '\u00A3' or '\u00A5' or '\u20B9')
            {
                Current.Unit = Unit.Money;
            }
        }

        for (var step = 0; step < 3 && i < _text.Length; step++)
        {
            var c = _text[i];
            if (c is '%')
            {
                Current.Unit = Unit.Percent;
                _at = i + 1;
                break;
            }

            if (c is '$' or '\u20AC' or '\u00A3' or '\u00A5')
            {
                Current.Unit = Unit.Money;
                _at = i + 1;
                break;
            }

            if (c == '\u00B0')
            {
                Current.Unit = Unit.Celsius;
                _at = i + 1;
                var letter = _at < _text.Length && _text[_at] == ' ' ? _at + 1 : _at;
                if (letter < _text.Length && _text[letter] is 'F' or 'C' or 'K' && (letter + 1 == _text.Length || !char.IsLetter(_text[letter + 1])))
                {
                    Current.Unit = _text[letter] == 'F' ? Unit.Fahrenheit : Unit.Celsius;
                    _at = letter + 1;
                }

                break;
            }

            if (c is ' ' or '\u00A0' or '\u202F' or '-' && step == 0)
            {
                i++;
                continue;
            }

            if (!char.IsLetter(c))
            {
                break;
            }

            var word = WordAt(i, out var end);
            if (scales && (word.Length > 1 || (word is "k" or "K" or "M" && i == _at)) && Vocabulary.TryGet(Vocabulary.Scales, word, out var scale) && !Is(word, "m") && !Is(word, "b"))
            {
                Current.Value *= scale;
                Current.Other *= scale;
                Current.HalfPlace *= scale;
                scales = false;
                _at = i = end;
                continue;
            }

            if (Is(word, "sq") || Is(word, "square"))
            {
                var rest = NextWord(end, out var restEnd);
                if (Units.TryFind(rest, out var length) && length.Dimension == Dimension.Length)
                {
                    Current.Unit = new Unit(Dimension.Area, length.Factor * length.Factor);
                    _at = restEnd;
                }

                break;
            }

            if (Is(word, "working") || Is(word, "business") || Is(word, "full") || Is(word, "more"))
            {
                i = end;
                continue;
            }

            if (Units.TryFind(word, out var unit) && Current.Unit.Dimension == Dimension.None && !(word.Length == 1 && Current.Worded))
            {
                Current.Unit = unit.Dimension == Dimension.Temperature && Is(word, "degrees") && Is(NextWord(end, out _), "fahrenheit") ? Unit.Fahrenheit : unit;
                _at = end;
                Compound();
            }

            break;
        }

        Current.Length = Math.Max(Current.Length, _at - Current.Start);
    }

    /// <summary>1 hour and 35 minutes is one duration.</summary>
    private void Compound()
    {
        if (Current.Unit.Dimension != Dimension.Duration || Current.Unit.Factor < 60 || Current.Unit.Factor > 86400 * 8)
        {
            return;
        }

        var word = NextWord(_at, out var end);
        if (Is(word, "and") || Is(word, "und") || Is(word, "et") || Is(word, "y"))
        {
            word = NextWord(end, out end);
        }

        if (word.Length is > 0 and < 3 && word.IndexOfAnyExceptInRange('0', '9') < 0)
        {
            var unitWord = NextWord(end, out var unitEnd);
            if (Units.TryFind(unitWord, out var smaller) && smaller.Dimension == Dimension.Duration && smaller.Factor < Current.Unit.Factor)
            {
                var value = Current.Unit.ToFirst(Current.Value) + smaller.ToFirst(int.Parse(word, CultureInfo.InvariantCulture));
                Current.Unit = smaller;
                Current.Value = Current.Other = smaller.FromFirst(value);
                Current.HalfPlace = 0.5;
                _at = unitEnd;
            }
        }
    }

    /// <summary>14 March 2026, 14. März, 14 de abril.</summary>
    private bool TryDayBefore(int end)
    {
        var i = end < _text.Length && _text[end] == '.' ? end + 1 : end;
        var word = NextWord(i, out var wordEnd);
        if (Is(word, "of") || Is(word, "de"))
        {
            word = NextWord(wordEnd, out wordEnd);
        }

        if (!Vocabulary.TryGet(Vocabulary.Months, word, out var month))
        {
            return false;
        }

        Current.Kind = ElementKind.Date;
        Current.Day = (int)Current.Value;
        Current.Month = month;
        Current.Ordinal = false;
        Year(ref wordEnd);
        Current.Length = wordEnd - Current.Start;
        _at = wordEnd;
        return Current.Day is >= 1 and <= 31;
    }

    /// <summary>March 14, March 14th, 2026; March 2026 stays a word and a number.</summary>
    private bool TryDayAndYear(int month)
    {
        var word = NextWord(_at, out var end);
        var digits = 0;
        while (digits < word.Length && char.IsAsciiDigit(word[digits]))
        {
            digits++;
        }

        if (digits is < 1 or > 2 || !(digits == word.Length || Is(word[digits..], "st") || Is(word[digits..], "nd") || Is(word[digits..], "rd") || Is(word[digits..], "th")))
        {
            return false;
        }

        // "October 4,800 and September 5.1": amounts of months.
        var day = int.Parse(word[..digits], CultureInfo.InvariantCulture);
        if (day is < 1 or > 31 || (end + 1 < _text.Length && _text[end] is ',' or '.' && char.IsAsciiDigit(_text[end + 1])))
        {
            return false;
        }

        Current.Kind = ElementKind.Date;
        (Current.Month, Current.Day) = (month, day);
        Year(ref end);
        Current.Length = end - Current.Start;
        _at = end;
        return true;
    }

    private void Year(ref int end)
    {
        var i = end < _text.Length && _text[end] is ',' or '.' ? end + 1 : end;
        var word = NextWord(i, out var wordEnd);
        if (Is(word, "de"))
        {
            word = NextWord(wordEnd, out wordEnd);
        }

        if (word.Length == 4 && word[0] is '1' or '2' && word.IndexOfAnyExceptInRange('0', '9') < 0)
        {
            Current.Year = int.Parse(word, CultureInfo.InvariantCulture);
            end = wordEnd;
        }
    }

    private readonly bool IsNext(int at, ReadOnlySpan<char> word) => Is(NextWord(at, out _), word);

    /// <summary>The word or the digits behind at most two spaces.</summary>
    private readonly ReadOnlySpan<char> NextWord(int at, out int end)
    {
        var i = at;
        while (i < _text.Length && i < at + 2 && _text[i] is ' ' or '\u00A0' or '\u202F')
        {
            i++;
        }

        return WordAt(i, out end);
    }

    private readonly ReadOnlySpan<char> WordAt(int start, out int end)
    {
        end = start;
        while (end < _text.Length && end < start + 24 && (char.IsLetterOrDigit(_text[end]) || _text[end] is '\u00B2' || (end > start && _text[end] is '\'' or '\u2019' or '.' or '/' && end + 1 < _text.Length && char.IsLetter(_text[end + 1]) && char.IsLetter(_text[end - 1]))))
        {
            end++;
        }

        return _text[start..end];
    }

    private static bool Is(ReadOnlySpan<char> word, ReadOnlySpan<char> other) => word.Equals(other, StringComparison.OrdinalIgnoreCase);

    private static bool Digits(ReadOnlySpan<char> text, ref int at, out int value, out int length)
    {
        value = 0;
        var start = at;
        while (at < text.Length && at - start < 9 && char.IsAsciiDigit(text[at]))
        {
            value = (value * 10) + (text[at++] - '0');
        }

        length = at - start;
        return length > 0;
    }
}
