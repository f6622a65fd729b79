using System.Globalization;

namespace OtlpTap.Detectors.Grounding;

/// <summary>Numbers with what stands around them: scales, units, currencies.</summary>
internal static class NumberElements
{
    public static bool TryNumber(TextWords words, int start, ReadOnlySpan<char> chunk, ref Element element, ref int at)
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

        if (!NumberLiteral.TryRead(chunk[..length], ref element))
        {
            return false;
        }

        var rest = chunk[length..];
        var end = start + length;
        if (rest.IsEmpty)
        {
            // 1 049,50: a space between the thousands.
            if (length <= 3 && end + 4 <= words.Text.Length && words.Text[end] is ' ' or '\u00A0' or '\u202F' && NumberLiteral.IsThousands(words.Text, end + 1, out var groupsEnd))
            {
                if (NumberLiteral.TryReadSpaced(words.Text[start..groupsEnd], ref element))
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
            if (TextWords.Is(rest, "st") || TextWords.Is(rest, "nd") || TextWords.Is(rest, "rd") || TextWords.Is(rest, "th") || TextWords.Is(rest, "er"))
            {
                element.Kind = ElementKind.Number;
                element.Ordinal = true;
                element.Length = chunk.Length;
                return DateElements.TryDayBefore(words, start + chunk.Length, ref element, ref at) || true;
            }

            if (Vocabulary.TryGet(Vocabulary.Scales, rest, out var scale))
            {
                element.Value *= scale;
                element.Other *= scale;
                element.HalfPlace *= scale;
                end = start + chunk.Length;
            }
            else if (Units.TryFind(rest, out var unit))
            {
                element.Unit = unit;
                end = start + chunk.Length;
            }
            else
            {
                return false;
            }
        }

        element.Kind = ElementKind.Number;
        element.Length = end - start;
        at = end;
        if (end == start + length && element.Value is >= 1 and <= 31 && DateElements.TryDayBefore(words, end, ref element, ref at))
        {
            return true;
        }

        ReadUnit(words, ref element, ref at);
        return true;
    }

    /// <summary>What stands behind a number: %, a scale, a unit, or a currency before it.</summary>
    public static void ReadUnit(TextWords words, ref Element element, ref int at)
    {
        var scales = true;
        var i = at;
        if (element.Unit.Dimension == Dimension.None && element.Start > 0)
        {
            var before = words.Text[element.Start - 1];
            if (before == ' ' && element.Start > 1)
            {
                before = words.Text[element.Start - 2];
            }

            if (before is '$' or '\u20AC' or '\u00A3' or '\u00A5' or '\u20B9')
            {
                element.Unit = Unit.Money;
            }
        }

        for (var step = 0; step < 3 && i < words.Text.Length; step++)
        {
            var c = words.Text[i];
            if (c is '%')
            {
                element.Unit = Unit.Percent;
                at = i + 1;
                break;
            }

            if (c is '$' or '\u20AC' or '\u00A3' or '\u00A5')
            {
                element.Unit = Unit.Money;
                at = i + 1;
                break;
            }

            if (c == '\u00B0')
            {
                element.Unit = Unit.Celsius;
                at = i + 1;
                var letter = at < words.Text.Length && words.Text[at] == ' ' ? at + 1 : at;
                if (letter < words.Text.Length && words.Text[letter] is 'F' or 'C' or 'K' && (letter + 1 == words.Text.Length || !char.IsLetter(words.Text[letter + 1])))
                {
                    element.Unit = words.Text[letter] == 'F' ? Unit.Fahrenheit : Unit.Celsius;
                    at = letter + 1;
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

            var word = words.At(i, out var end);
            if (scales && (word.Length > 1 || (word is "k" or "K" or "M" && i == at)) && Vocabulary.TryGet(Vocabulary.Scales, word, out var scale) && !TextWords.Is(word, "m") && !TextWords.Is(word, "b"))
            {
                element.Value *= scale;
                element.Other *= scale;
                element.HalfPlace *= scale;
                scales = false;
                at = i = end;
                continue;
            }

            if (TextWords.Is(word, "sq") || TextWords.Is(word, "square"))
            {
                var rest = words.Next(end, out var restEnd);
                if (Units.TryFind(rest, out var length) && length.Dimension == Dimension.Length)
                {
                    element.Unit = new Unit(Dimension.Area, length.Factor * length.Factor);
                    at = restEnd;
                }

                break;
            }

            if (TextWords.Is(word, "working") || TextWords.Is(word, "business") || TextWords.Is(word, "full") || TextWords.Is(word, "more"))
            {
                i = end;
                continue;
            }

            if (Units.TryFind(word, out var unit) && element.Unit.Dimension == Dimension.None && !(word.Length == 1 && element.Worded))
            {
                element.Unit = unit.Dimension == Dimension.Temperature && TextWords.Is(word, "degrees") && TextWords.Is(words.Next(end, out _), "fahrenheit") ? Unit.Fahrenheit : unit;
                at = end;
                ReadCompound(words, ref element, ref at);
            }

            break;
        }

        element.Length = Math.Max(element.Length, at - element.Start);
    }

    /// <summary>1 hour and 35 minutes is one duration.</summary>
    private static void ReadCompound(TextWords words, ref Element element, ref int at)
    {
        if (element.Unit.Dimension != Dimension.Duration || element.Unit.Factor < 60 || element.Unit.Factor > 86400 * 8)
        {
            return;
        }

        var word = words.Next(at, out var end);
        if (TextWords.Is(word, "and") || TextWords.Is(word, "und") || TextWords.Is(word, "et") || TextWords.Is(word, "y"))
        {
            word = words.Next(end, out end);
        }

        if (word.Length is > 0 and < 3 && word.IndexOfAnyExceptInRange('0', '9') < 0)
        {
            var unitWord = words.Next(end, out var unitEnd);
            if (Units.TryFind(unitWord, out var smaller) && smaller.Dimension == Dimension.Duration && smaller.Factor < element.Unit.Factor)
            {
                var value = element.Unit.ToFirst(element.Value) + smaller.ToFirst(int.Parse(word, CultureInfo.InvariantCulture));
                element.Unit = smaller;
                element.Value = element.Other = smaller.FromFirst(value);
                element.HalfPlace = 0.5;
                at = unitEnd;
            }
        }
    }
}
