namespace OtlpTap.Rules.Expressions.Times;

internal enum LayoutKind : byte
{
    /// <summary>The layout ends here.</summary>
    End,
    LongMonth,
    Month,
    NumericMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPeriod,
    LowerPeriod,
    ZoneName,

    /// <summary>An offset, whose form <see cref="LayoutElement.Text"/> shows: <c>-0700</c>, <c>Z07:00</c> and their like.</summary>
    Offset,

    /// <summary><c>.000</c></summary>
    ExactFraction,

    /// <summary><c>.999</c></summary>
    Fraction,
}

/// <summary>One element of a layout, such as <c>2006</c>, and the text before it.</summary>
/// <param name="Prefix">Plain text that stands before the element.</param>
/// <param name="Next">Where the layout goes on behind it.</param>
internal readonly record struct LayoutElement(LayoutKind Kind, string Prefix, string Text, int Next)
{
    private static readonly string[] Offsets = ["070000", "07:00:00", "0700", "07:00", "07"];

    /// <summary>
    /// The first element at or behind a place. A layout shows how the time 2006-01-02 15:04:05 -0700 MST would be written.
    /// Source: https://pkg.go.dev/time#Layout.
    /// </summary>
    public static LayoutElement After(string layout, int start)
    {
        for (var at = start; at < layout.Length; at++)
        {
            var rest = layout.AsSpan(at);
            var (kind, skip, length) = Recognize(rest);
            if (kind != LayoutKind.End)
            {
                return new LayoutElement(kind, layout[start..(at + skip)], layout.Substring(at + skip, length), at + skip + length);
            }
        }

        return new LayoutElement(LayoutKind.End, layout[start..], "", layout.Length);
    }

    private static (LayoutKind Kind, int Skip, int Length) Recognize(ReadOnlySpan<char> rest)
    {
        switch (rest[0])
        {
            case 'J' when rest.StartsWith("January"):
                return (LayoutKind.LongMonth, 0, 7);
            case 'J' when rest.StartsWith("Jan") && !IsLower(rest, 3):
                return (LayoutKind.Month, 0, 3);
            case 'M' when rest.StartsWith("Monday"):
                return (LayoutKind.LongWeekday, 0, 6);
            case 'M' when rest.StartsWith("Mon") && !IsLower(rest, 3):
                return (LayoutKind.Weekday, 0, 3);
            case 'M' when rest.StartsWith("MST"):
                return (LayoutKind.ZoneName, 0, 3);
            case '0' when rest.Length > 1 && rest[1] is >= '1' and <= '6':
                return (ZeroKind(rest[1]), 0, 2);
            case '0' when rest.StartsWith("002"):
                return (LayoutKind.ZeroYearDay, 0, 3);
            case '1':
                return rest.StartsWith("15") ? (LayoutKind.Hour, 0, 2) : (LayoutKind.NumericMonth, 0, 1);
            case '2':
                return rest.StartsWith("2006") ? (LayoutKind.LongYear, 0, 4) : (LayoutKind.Day, 0, 1);
            case '_' when rest.StartsWith("_2006"):
                return (LayoutKind.LongYear, 1, 4);
            case '_' when rest.StartsWith("_2"):
                return (LayoutKind.UnderDay, 0, 2);
            case '_' when rest.StartsWith("__2"):
                return (LayoutKind.UnderYearDay, 0, 3);
            case '3':
                return (LayoutKind.Hour12, 0, 1);
            case '4':
                return (LayoutKind.Minute, 0, 1);
            case '5':
                return (LayoutKind.Second, 0, 1);
            case 'P' when rest.StartsWith("PM"):
                return (LayoutKind.UpperPeriod, 0, 2);
            case 'p' when rest.StartsWith("pm"):
                return (LayoutKind.LowerPeriod, 0, 2);
            case '-' or 'Z':
                foreach (var form in Offsets)
                {
                    if (rest[1..].StartsWith(form))
                    {
                        return (LayoutKind.Offset, 0, form.Length + 1);
                    }
                }

                return default;
            case '.' or ',' when rest.Length > 1 && rest[1] is '0' or '9':
                var length = 1;
                while (length < rest.Length && rest[length] == rest[1])
                {
                    length++;
                }

                return length < rest.Length && char.IsAsciiDigit(rest[length]) ? default
                    : (rest[1] == '0' ? LayoutKind.ExactFraction : LayoutKind.Fraction, 0, length);
            default:
                return default;
        }
    }

    private static LayoutKind ZeroKind(char digit) => digit switch
    {
        '1' => LayoutKind.ZeroMonth,
        '2' => LayoutKind.ZeroDay,
        '3' => LayoutKind.ZeroHour12,
        '4' => LayoutKind.ZeroMinute,
        '5' => LayoutKind.ZeroSecond,
        _ => LayoutKind.Year,
    };

    private static bool IsLower(ReadOnlySpan<char> text, int at) => at < text.Length && char.IsAsciiLetterLower(text[at]);
}
