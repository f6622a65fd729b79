namespace OtlpTap.Rules.Expressions.Times;

/// <summary>What was read of a time, and the time that this is.</summary>
internal struct LayoutTime()
{
    public int Year;
    public int Month = -1;
    public int Day = -1;
    public int DayOfYear = -1;
    public int Hour;
    public int Minute;
    public int Second;
    public int Nanosecond;
    public bool IsAfternoon;
    public bool IsMorning;
    public bool IsUtc;
    public int? OffsetSeconds;
    public string ZoneName = "";

    /// <summary>False where there is no such day.</summary>
    /// <param name="zone">Where a time without a zone is.</param>
    public bool TryResolve(Zone zone, out Instant time)
    {
        time = default;
        if (IsAfternoon && Hour < 12)
        {
            Hour += 12;
        }
        else if (IsMorning && Hour == 12)
        {
            Hour = 0;
        }

        if (!TryDate())
        {
            return false;
        }

        var calendar = new CalendarTime(Year, Month, Day, Hour, Minute, Second, Nanosecond);
        if (IsUtc)
        {
            time = Instant.FromCalendar(calendar, Zone.Utc);
            return true;
        }

        var utc = Instant.FromCalendar(calendar, Zone.Utc);
        if (OffsetSeconds is { } offset)
        {
            time = utc.Plus(-offset * Instant.NanosecondsPerSecond);
            var local = zone.At(time.UnixSeconds);
            time = time.In(local.OffsetSeconds == offset && (ZoneName.Length == 0 || local.Name == ZoneName) ? zone : new FixedZone(ZoneName, offset));
            return true;
        }

        if (ZoneName.Length > 0)
        {
            time = zone.TryFindOffset(ZoneName, utc.UnixSeconds, out var named)
                ? utc.Plus(-named * Instant.NanosecondsPerSecond).In(zone)
                : utc.In(new FixedZone(ZoneName, ZoneName.StartsWith("GMT", StringComparison.Ordinal) && int.TryParse(ZoneName.AsSpan(3), out var hours) ? hours * 3600 : 0));
            return true;
        }

        time = Instant.FromCalendar(calendar, zone);
        return true;
    }

    private bool TryDate()
    {
        if (DayOfYear >= 0)
        {
            var february = CalendarTime.DaysIn(2, Year);
            if (DayOfYear < 1 || DayOfYear > 337 + february)
            {
                return false;
            }

            var month = 1;
            var day = DayOfYear;
            while (day > CalendarTime.DaysIn(month, Year))
            {
                day -= CalendarTime.DaysIn(month++, Year);
            }

            if ((Month >= 0 && Month != month) || (Day >= 0 && Day != day))
            {
                return false;
            }

            (Month, Day) = (month, day);
        }

        Month = Month < 0 ? 1 : Month;
        Day = Day < 0 ? 1 : Day;
        return Day >= 1 && Day <= CalendarTime.DaysIn(Month, Year);
    }
}
