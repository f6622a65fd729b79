using System.Globalization;
using OtlpTap.Rules.Expressions.Times;

namespace OtlpTap.Rules.Expressions.Texts;

/// <summary>Times and durations in the forms that texts are made of.</summary>
internal static class TimeText
{
    /// <summary>2023-11-14T22:13:20.5Z; null for years of more than four digits.</summary>
    public static string? Rfc3339(Instant time) =>
        time.Calendar.Year is >= 0 and <= 9999 ? LayoutWriter.Format(time, "2006-01-02T15:04:05.999999999Z07:00") : null;

    /// <summary>2023-11-14 22:13:20.5 +0000 UTC</summary>
    public static string Long(Instant time) => LayoutWriter.Format(time, "2006-01-02 15:04:05.999999999 -0700 MST");

    /// <summary>1h2m3.5s, or in one smaller unit below a second. Source: https://pkg.go.dev/time#Duration.String.</summary>
    public static string Of(DurationValue duration)
    {
        var magnitude = duration.Nanoseconds < 0 ? unchecked((ulong)-duration.Nanoseconds) : (ulong)duration.Nanoseconds;
        var sign = duration.Nanoseconds < 0 ? "-" : "";
        switch (magnitude)
        {
            case 0:
                return "0s";
            case < 1_000:
                return $"{sign}{magnitude}ns";
            case < 1_000_000:
                return $"{sign}{Fraction(magnitude, 3)}{ByteText.Of("µs")}";
            case < 1_000_000_000:
                return $"{sign}{Fraction(magnitude, 6)}ms";
        }

        var seconds = magnitude / 1_000_000_000;
        var text = Fraction((magnitude % 60_000_000_000), 9) + "s";
        var minutes = seconds / 60;
        if (minutes == 0)
        {
            return sign + text;
        }

        var hours = minutes / 60;
        return hours == 0 ? $"{sign}{minutes}m{text}" : $"{sign}{hours}h{minutes % 60}m{text}";
    }

    /// <summary>Go's: <c>1h30m</c>, <c>-1.5s</c>, <c>0</c>. Source: https://pkg.go.dev/time#ParseDuration.</summary>
    public static bool TryParseDuration(string text, out long nanoseconds)
    {
        nanoseconds = 0;
        var rest = text.AsSpan();
        var isNegative = rest.StartsWith("-");
        if (isNegative || rest.StartsWith("+"))
        {
            rest = rest[1..];
        }

        if (rest.SequenceEqual("0"))
        {
            return true;
        }

        var sum = 0UL;
        do
        {
            if (!TryTerm(ref rest, out var term) || (sum += term) > 1UL << 63)
            {
                return false;
            }
        }
        while (rest.Length > 0);

        if (!isNegative && sum > long.MaxValue)
        {
            return false;
        }

        nanoseconds = isNegative ? unchecked(-(long)sum) : (long)sum;
        return true;
    }

    private static bool TryTerm(ref ReadOnlySpan<char> text, out ulong nanoseconds)
    {
        nanoseconds = 0;
        var whole = 0UL;
        var at = 0;
        for (; at < text.Length && char.IsAsciiDigit(text[at]); at++)
        {
            if (whole > (1UL << 63) / 10)
            {
                return false;
            }

            whole = (whole * 10) + (ulong)(text[at] - '0');
            if (whole > 1UL << 63)
            {
                return false;
            }
        }

        var digits = at;
        var fraction = 0UL;
        var scale = 1.0;
        if (at < text.Length && text[at] == '.')
        {
            at++;
            var isFull = false;
            for (; at < text.Length && char.IsAsciiDigit(text[at]); at++, digits++)
            {
                // Digits beyond 63 bits are read and do not count.
                isFull |= fraction > long.MaxValue / 10;
                if (!isFull)
                {
                    fraction = (fraction * 10) + (ulong)(text[at] - '0');
                    scale *= 10;
                }
            }
        }

        var unitStart = at;
        while (at < text.Length && text[at] != '.' && !char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        if (digits == 0 || UnitOf(text[unitStart..at]) is not { } unit || whole > (1UL << 63) / unit)
        {
            return false;
        }

        nanoseconds = (whole * unit) + (ulong)(fraction * (unit / scale));
        text = text[at..];
        return nanoseconds <= 1UL << 63;
    }

    private static ulong? UnitOf(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 1,
        "us" or "\u00C2\u00B5s" or "\u00CE\u00BCs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => null,
    };

    private static string Fraction(ulong value, int places)
    {
        var digits = value.ToString(CultureInfo.InvariantCulture).PadLeft(places + 1, '0');
        var fraction = digits[^places..].TrimEnd('0');
        return digits[..^places] + (fraction.Length > 0 ? "." + fraction : "");
    }
}
