using System.Globalization;
using System.Text;

namespace OtlpTap.Rules.Expressions.Times;

/// <summary>Writes a time as a layout shows it.</summary>
internal static class LayoutWriter
{
    public static string Format(Instant time, string layout)
    {
        var text = new StringBuilder();
        var calendar = time.Calendar;
        var zone = time.Zone.At(time.UnixSeconds);
        for (var at = 0; at < layout.Length;)
        {
            var element = LayoutElement.After(layout, at);
            at = element.Next;
            text.Append(element.Prefix);
            Append(text, element, calendar, zone);
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, LayoutElement element, CalendarTime time, ZoneOffset zone)
    {
        var hour12 = time.Hour % 12 == 0 ? 12 : time.Hour % 12;
        switch (element.Kind)
        {
            case LayoutKind.Year:
                Padded(text, Math.Max(time.Year, 0) % 100, 2);
                break;
            case LayoutKind.LongYear:
                Padded(text, time.Year, 4);
                break;
            case LayoutKind.Month:
                text.Append(EnglishNames.Months[time.Month - 1], 0, 3);
                break;
            case LayoutKind.LongMonth:
                text.Append(EnglishNames.Months[time.Month - 1]);
                break;
            case LayoutKind.NumericMonth:
                Padded(text, time.Month, 1);
                break;
            case LayoutKind.ZeroMonth:
                Padded(text, time.Month, 2);
                break;
            case LayoutKind.Weekday:
                text.Append(EnglishNames.Weekdays[time.Weekday], 0, 3);
                break;
            case LayoutKind.LongWeekday:
                text.Append(EnglishNames.Weekdays[time.Weekday]);
                break;
            case LayoutKind.Day:
                Padded(text, time.Day, 1);
                break;
            case LayoutKind.UnderDay:
                text.Append(CultureInfo.InvariantCulture, $"{time.Day,2}");
                break;
            case LayoutKind.ZeroDay:
                Padded(text, time.Day, 2);
                break;
            case LayoutKind.UnderYearDay:
                text.Append(CultureInfo.InvariantCulture, $"{time.DayOfYear,3}");
                break;
            case LayoutKind.ZeroYearDay:
                Padded(text, time.DayOfYear, 3);
                break;
            case LayoutKind.Hour:
                Padded(text, time.Hour, 2);
                break;
            case LayoutKind.Hour12:
                Padded(text, hour12, 1);
                break;
            case LayoutKind.ZeroHour12:
                Padded(text, hour12, 2);
                break;
            case LayoutKind.Minute:
                Padded(text, time.Minute, 1);
                break;
            case LayoutKind.ZeroMinute:
                Padded(text, time.Minute, 2);
                break;
            case LayoutKind.Second:
                Padded(text, time.Second, 1);
                break;
            case LayoutKind.ZeroSecond:
                Padded(text, time.Second, 2);
                break;
            case LayoutKind.UpperPeriod:
                text.Append(time.Hour >= 12 ? "PM" : "AM");
                break;
            case LayoutKind.LowerPeriod:
                text.Append(time.Hour >= 12 ? "pm" : "am");
                break;
            case LayoutKind.ZoneName when zone.Name.Length > 0:
                text.Append(zone.Name);
                break;
            case LayoutKind.ZoneName:
                AppendOffset(text, "-0700", zone.OffsetSeconds);
                break;
            case LayoutKind.Offset:
                AppendOffset(text, element.Text, zone.OffsetSeconds);
                break;
            case LayoutKind.ExactFraction:
                text.Append(element.Text[0]).Append(Digits(time, element.Text.Length - 1));
                break;
            case LayoutKind.Fraction when Digits(time, element.Text.Length - 1).TrimEnd('0') is { Length: > 0 } digits:
                text.Append(element.Text[0]).Append(digits);
                break;
        }
    }

    private static string Digits(CalendarTime time, int count)
    {
        var digits = time.Nanosecond.ToString("D9", CultureInfo.InvariantCulture);
        return count <= 9 ? digits[..count] : digits.PadRight(count, '0');
    }

    private static void AppendOffset(StringBuilder text, string form, int offset)
    {
        if (form[0] == 'Z' && offset == 0)
        {
            text.Append('Z');
            return;
        }

        var separator = form.Contains(':') ? ":" : "";
        var minutes = Math.Abs(offset / 60);
        text.Append(offset / 60 < 0 ? '-' : '+');
        Padded(text, minutes / 60, 2);
        if (form.Length > 3)
        {
            text.Append(separator);
            Padded(text, minutes % 60, 2);
        }

        if (form.Length > 6)
        {
            text.Append(separator);
            Padded(text, Math.Abs(offset % 60), 2);
        }
    }

    private static void Padded(StringBuilder text, long value, int digits)
    {
        if (value < 0)
        {
            text.Append('-');
        }

        text.Append(Math.Abs(value).ToString("D" + digits, CultureInfo.InvariantCulture));
    }
}
