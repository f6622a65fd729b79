namespace OtlpTap.Rules.Expressions.Times;

/// <summary>
/// How a zone goes on after the last change of its clocks that its file lists: <c>EST5EDT,M3.2.0,M11.1.0</c>.
/// Source: POSIX, the environment variable TZ, with the extension of RFC 9636.
/// </summary>
internal sealed class ZoneRule
{
    private readonly ZoneOffset _standard;
    private readonly ZoneOffset? _daylight;
    private readonly (char Kind, int Month, int Week, int Day, int Time) _start;
    private readonly (char Kind, int Month, int Week, int Day, int Time) _end;

    private ZoneRule(
        ZoneOffset standard,
        ZoneOffset? daylight,
        (char Kind, int Month, int Week, int Day, int Time) start,
        (char Kind, int Month, int Week, int Day, int Time) end)
    {
        _standard = standard;
        _daylight = daylight;
        _start = start;
        _end = end;
    }

    /// <summary>Null when the text says nothing.</summary>
    public static ZoneRule? Parse(string text)
    {
        var at = 0;
        if (Name(text, ref at) is not { } standardName || Offset(text, ref at) is not { } standardOffset)
        {
            return null;
        }

        var standard = new ZoneOffset(standardName, -standardOffset);
        if (at == text.Length)
        {
            return new ZoneRule(standard, null, default, default);
        }

        if (Name(text, ref at) is not { } daylightName)
        {
            return null;
        }

        var daylightOffset = at < text.Length && text[at] != ',' ? -(Offset(text, ref at) ?? 0) : standard.OffsetSeconds + 3600;
        var start = Change(text, ref at);
        var end = Change(text, ref at);
        return start is { } from && end is { } to ? new ZoneRule(standard, new ZoneOffset(daylightName, daylightOffset), from, to) : null;
    }

    public ZoneOffset At(long unixSeconds)
    {
        if (_daylight is not { } daylight)
        {
            return _standard;
        }

        const long epoch = 62_135_596_800;
        var year = CalendarTime.Of(unixSeconds + _standard.OffsetSeconds + epoch, 0).Year;
        var yearStart = new CalendarTime(year, 1, 1, 0, 0, 0, 0).TotalSeconds - epoch;
        var start = yearStart + SecondsInto(year, _start) - _standard.OffsetSeconds;
        var end = yearStart + SecondsInto(year, _end) - daylight.OffsetSeconds;
        var isDaylight = start < end ? unixSeconds >= start && unixSeconds < end : unixSeconds >= start || unixSeconds < end;
        return isDaylight ? daylight : _standard;
    }

    private static long SecondsInto(long year, (char Kind, int Month, int Week, int Day, int Time) change)
    {
        var leap = CalendarTime.DaysIn(2, year) == 29;
        int day;
        switch (change.Kind)
        {
            case 'J':
                day = change.Day - 1 + (leap && change.Day >= 60 ? 1 : 0);
                break;
            case 'N':
                day = change.Day;
                break;
            default:
                var first = new CalendarTime(year, change.Month, 1, 0, 0, 0, 0);
                var offset = (change.Day - first.Weekday + 7) % 7;
                for (var week = 1; week < change.Week && offset + 7 < CalendarTime.DaysIn(change.Month, year); week++)
                {
                    offset += 7;
                }

                day = first.DayOfYear - 1 + offset;
                break;
        }

        return (day * 86_400L) + change.Time;
    }

    private static string? Name(string text, ref int at)
    {
        var start = at;
        if (at < text.Length && text[at] == '<')
        {
            var close = text.IndexOf('>', at);
            if (close < 0)
            {
                return null;
            }

            at = close + 1;
            return text[(start + 1)..close];
        }

        while (at < text.Length && char.IsAsciiLetter(text[at]))
        {
            at++;
        }

        return at - start >= 3 ? text[start..at] : null;
    }

    private static int? Offset(string text, ref int at)
    {
        var sign = 1;
        if (at < text.Length && text[at] is '+' or '-')
        {
            sign = text[at++] == '-' ? -1 : 1;
        }

        if (Number(text, ref at) is not { } hours)
        {
            return null;
        }

        var seconds = hours * 3600;
        foreach (var unit in (ReadOnlySpan<int>)[60, 1])
        {
            if (at == text.Length || text[at] != ':')
            {
                break;
            }

            at++;
            seconds += (Number(text, ref at) ?? 0) * unit;
        }

        return sign * seconds;
    }

    private static (char Kind, int Month, int Week, int Day, int Time)? Change(string text, ref int at)
    {
        if (at + 1 >= text.Length || text[at] != ',')
        {
            return null;
        }

        at++;
        var kind = text[at] is 'M' or 'J' ? text[at++] : 'N';
        var month = 0;
        var week = 0;
        if (kind == 'M')
        {
            month = Number(text, ref at) ?? 0;
            at++;
            week = at < text.Length ? Number(text, ref at) ?? 0 : 0;
            at++;
        }

        if (at > text.Length || Number(text, ref at) is not { } day || (kind == 'M' && month is < 1 or > 12))
        {
            return null;
        }

        var time = 7200;
        if (at < text.Length && text[at] == '/')
        {
            at++;
            time = Offset(text, ref at) ?? time;
        }

        return (kind, month, week, day, time);
    }

    private static int? Number(string text, ref int at)
    {
        var start = at;
        var value = 0;
        while (at < text.Length && char.IsAsciiDigit(text[at]) && value < 100_000)
        {
            value = (value * 10) + (text[at++] - '0');
        }

        return at > start ? value : null;
    }
}
