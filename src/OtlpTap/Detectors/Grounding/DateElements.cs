using System.Globalization;

namespace OtlpTap.Detectors.Grounding;

/// <summary>Dates and times of day as people and programs write them.</summary>
internal static class DateElements
{
    /// <summary>2026-03-14, 2026/03/14, 2026-03-14T10:05:00Z, 14.03.2026, 03/14/2026, 14-03-26.</summary>
    /// <param name="time">The time that follows it in the same piece; of no length where none does.</param>
    public static bool TryDate(ReadOnlySpan<char> chunk, ref Element element, out Element time)
    {
        time = default;
        var i = 0;
        if (!TextWords.Digits(chunk, ref i, out var first, out var firstLength) || i >= chunk.Length || chunk[i] is not ('-' or '/' or '.'))
        {
            return false;
        }

        var separator = chunk[i++];
        if (!TextWords.Digits(chunk, ref i, out var second, out var secondLength) || secondLength > 2 || i >= chunk.Length || chunk[i] != separator)
        {
            return false;
        }

        i++;
        if (!TextWords.Digits(chunk, ref i, out var third, out var thirdLength))
        {
            return false;
        }

        element.Kind = ElementKind.Date;
        if (firstLength == 4 && thirdLength <= 2)
        {
            (element.Year, element.Month, element.Day) = (first, second, third);
            if (i < chunk.Length && chunk[i] is 'T' or 't')
            {
                time = TimeBehind(chunk[(i + 1)..], element.Start + i + 1);
            }
            else if (i != chunk.Length)
            {
                return false;
            }
        }
        else if (firstLength <= 2 && thirdLength is 4 or 2 && i == chunk.Length && (thirdLength == 4 || separator != '-'))
        {
            element.Year = thirdLength == 2 ? 2000 + third : third;
            (element.Day, element.Month) = (first, second);
            if (second > 12 || (separator == '/' && first <= 12))
            {
                (element.Day, element.Month) = (second, first);
            }
        }
        else
        {
            return false;
        }

        return element.Month is >= 1 and <= 12 && element.Day is >= 1 and <= 31;
    }

    /// <summary>10:05, 9 am, 7:45pm, 18h20, 8 Uhr.</summary>
    public static bool TryTime(TextWords words, int start, ReadOnlySpan<char> chunk, ref Element element, ref int at)
    {
        var i = 0;
        if (!TextWords.Digits(chunk, ref i, out var hour, out var hourLength) || hourLength > 2 || hour > 24)
        {
            return false;
        }

        var minute = 0;
        var said = false;
        if (i + 2 < chunk.Length && (chunk[i] is ':' or 'h' or 'H' || (chunk[i] == '.' && words.IsNext(start + chunk.Length, "uhr"))))
        {
            i++;
            if (!TextWords.Digits(chunk, ref i, out minute, out var length) || length != 2 || minute > 59)
            {
                return false;
            }

            said = true;
            if (i < chunk.Length && chunk[i] == ':')
            {
                i++;
                if (!TextWords.Digits(chunk, ref i, out _, out _))
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
            var next = words.Next(end, out var nextEnd);
            if (TextWords.Is(next, "am") || TextWords.Is(next, "pm") || TextWords.Is(next, "a.m") || TextWords.Is(next, "p.m") || TextWords.Is(next, "uhr") || TextWords.Is(next, "o'clock"))
            {
                half = next;
                end = nextEnd;
            }
            else if (!said)
            {
                return false;
            }
        }
        else if (!(TextWords.Is(half, "am") || TextWords.Is(half, "pm") || (said && half[0] is '-' or '/')))
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
            element.HalfDayOpen = hour <= 12;
        }

        if (!half.IsEmpty && half[0] is '-' or '/')
        {
            end = start + i;
        }

        element.Kind = ElementKind.Time;
        element.Minutes = ((hour % 24) * 60) + minute;
        element.Length = end - start;
        at = end;
        return true;
    }

    /// <summary>14 March 2026, 14. März, 14 de abril.</summary>
    public static bool TryDayBefore(TextWords words, int end, ref Element element, ref int at)
    {
        var i = end < words.Text.Length && words.Text[end] == '.' ? end + 1 : end;
        var word = words.Next(i, out var wordEnd);
        if (TextWords.Is(word, "of") || TextWords.Is(word, "de"))
        {
            word = words.Next(wordEnd, out wordEnd);
        }

        if (!Vocabulary.TryGet(Vocabulary.Months, word, out var month))
        {
            return false;
        }

        element.Kind = ElementKind.Date;
        element.Day = (int)element.Value;
        element.Month = month;
        element.Ordinal = false;
        ReadYear(words, ref wordEnd, ref element);
        element.Length = wordEnd - element.Start;
        at = wordEnd;
        return element.Day is >= 1 and <= 31;
    }

    /// <summary>March 14, March 14th, 2026; March 2026 stays a word and a number.</summary>
    public static bool TryDayAndYear(TextWords words, int month, ref Element element, ref int at)
    {
        var word = words.Next(at, out var end);
        var digits = 0;
        while (digits < word.Length && char.IsAsciiDigit(word[digits]))
        {
            digits++;
        }

        if (digits is < 1 or > 2 || !(digits == word.Length || TextWords.Is(word[digits..], "st") || TextWords.Is(word[digits..], "nd") || TextWords.Is(word[digits..], "rd") || TextWords.Is(word[digits..], "th")))
        {
            return false;
        }

        // "October 4,800 and September 5.1": amounts of months.
        var day = int.Parse(word[..digits], CultureInfo.InvariantCulture);
        if (day is < 1 or > 31 || (end + 1 < words.Text.Length && words.Text[end] is ',' or '.' && char.IsAsciiDigit(words.Text[end + 1])))
        {
            return false;
        }

        element.Kind = ElementKind.Date;
        (element.Month, element.Day) = (month, day);
        ReadYear(words, ref end, ref element);
        element.Length = end - element.Start;
        at = end;
        return true;
    }

    private static Element TimeBehind(ReadOnlySpan<char> time, int start)
    {
        var i = 0;
        if (!TextWords.Digits(time, ref i, out var hour, out _) || hour >= 24 || i >= time.Length || time[i] != ':')
        {
            return default;
        }

        i++;
        return TextWords.Digits(time, ref i, out var minute, out _) && minute < 60
            ? new Element { Kind = ElementKind.Time, Start = start, Length = i, Minutes = (hour * 60) + minute }
            : default;
    }

    private static void ReadYear(TextWords words, ref int end, ref Element element)
    {
        var i = end < words.Text.Length && words.Text[end] is ',' or '.' ? end + 1 : end;
        var word = words.Next(i, out var wordEnd);
        if (TextWords.Is(word, "de"))
        {
            word = words.Next(wordEnd, out wordEnd);
        }

        if (word.Length == 4 && word[0] is '1' or '2' && word.IndexOfAnyExceptInRange('0', '9') < 0)
        {
            element.Year = int.Parse(word, CultureInfo.InvariantCulture);
            end = wordEnd;
        }
    }
}
