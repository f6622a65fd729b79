namespace OtlpTap.Rules.Expressions.Times;

/// <summary>A date and a time of day in the Gregorian calendar, carried back to before it was made.</summary>
internal readonly record struct CalendarTime(long Year, int Month, int Day, int Hour, int Minute, int Second, int Nanosecond)
{
    private const int DaysPerEra = 146_097;
    private const long SecondsPerDay = 86_400;

    /// <summary>Days from the first of March of the year 0 to the first of January of the year 1.</summary>
    private const int DaysToYearOne = 306;

    /// <summary>0 is Sunday.</summary>
    public int Weekday => (int)(((DaysSinceYearOne + 1) % 7 + 7) % 7);

    public int DayOfYear => (int)(DaysSinceYearOne - DaysOf(Year, 1, 1)) + 1;

    /// <summary>Since the start of the year 1.</summary>
    public long TotalSeconds => unchecked((DaysSinceYearOne * SecondsPerDay) + (Hour * 3600) + (Minute * 60) + Second);

    private long DaysSinceYearOne => DaysOf(Year, Month, Day);

    public static CalendarTime Of(long totalSeconds, int nanosecond)
    {
        var days = Math.DivRem(totalSeconds, SecondsPerDay, out var rest);
        if (rest < 0)
        {
            rest += SecondsPerDay;
            days--;
        }

        var (year, month, day) = DateOf(days);
        return new CalendarTime(year, month, day, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60), nanosecond);
    }

    public static int DaysIn(int month, long year) => month switch
    {
        2 => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        _ => 31,
    };

    // Years that start in March have their leap day at the end, and months of a regular length:
    // https://howardhinnant.github.io/date_algorithms.html
    private static long DaysOf(long year, int month, int day)
    {
        year -= month <= 2 ? 1 : 0;
        var era = (year >= 0 ? year : year - 399) / 400;
        var yearOfEra = year - (era * 400);
        var dayOfYear = (((153 * (month + (month > 2 ? -3 : 9))) + 2) / 5) + day - 1;
        var dayOfEra = (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear;
        return (era * DaysPerEra) + dayOfEra - DaysToYearOne;
    }

    private static (long Year, int Month, int Day) DateOf(long days)
    {
        days += DaysToYearOne;
        var era = (days >= 0 ? days : days - (DaysPerEra - 1)) / DaysPerEra;
        var dayOfEra = days - (era * DaysPerEra);
        var yearOfEra = (dayOfEra - (dayOfEra / 1460) + (dayOfEra / 36524) - (dayOfEra / 146_096)) / 365;
        var dayOfYear = dayOfEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100));
        var monthFromMarch = ((5 * dayOfYear) + 2) / 153;
        var day = (int)(dayOfYear - (((153 * monthFromMarch) + 2) / 5) + 1);
        var month = (int)(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9);
        return (yearOfEra + (era * 400) + (month <= 2 ? 1 : 0), month, day);
    }
}
