using OtlpTap.Rules.Expressions.Times;

namespace OtlpTap.Rules.Expressions;

/// <summary>
/// A point in time with a nanosecond's precision, from before the year 1 to far beyond 9999, and the zone it is read in.
/// Sums wrap as 64-bit numbers do; differences stop at the longest duration.
/// </summary>
internal readonly struct Instant : IComparable<Instant>
{
    public const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Seconds from the first of January of the year 1, where this starts to count, to 1970.</summary>
    private const long UnixEpoch = 62_135_596_800;

    private readonly long _seconds;

    private Instant(long seconds, int nanosecond, Zone zone)
    {
        _seconds = seconds;
        Nanosecond = nanosecond;
        Zone = zone;
    }

    public int Nanosecond { get; }

    public Zone Zone { get; }

    public long UnixSeconds => unchecked(_seconds - UnixEpoch);

    public long UnixNanoseconds => unchecked((UnixSeconds * NanosecondsPerSecond) + Nanosecond);

    public long UnixMicroseconds => unchecked((UnixSeconds * 1_000_000) + (Nanosecond / 1_000));

    public long UnixMilliseconds => unchecked((UnixSeconds * 1_000) + (Nanosecond / 1_000_000));

    /// <summary>The calendar and the clock in the zone of the instant.</summary>
    public CalendarTime Calendar
    {
        get
        {
            var offset = Zone.At(UnixSeconds).OffsetSeconds;
            return CalendarTime.Of(unchecked(_seconds + offset), Nanosecond);
        }
    }

    public static Instant FromUnix(long seconds, long nanoseconds, Zone zone)
    {
        var carry = Math.DivRem(nanoseconds, NanosecondsPerSecond, out var rest);
        if (rest < 0)
        {
            rest += NanosecondsPerSecond;
            carry--;
        }

        return new Instant(unchecked(seconds + carry + UnixEpoch), (int)rest, zone);
    }

    /// <summary>The wire's nanoseconds since 1970: what exceeds the signed range is before 1970, as in the reference.</summary>
    public static Instant FromWire(ulong nanoseconds) => FromUnix(0, unchecked((long)nanoseconds), Zone.Utc);

    /// <summary>The instant at which clocks in the zone show this; of a day that does not exist, the one that follows.</summary>
    public static Instant FromCalendar(CalendarTime time, Zone zone)
    {
        var unix = unchecked(time.TotalSeconds - UnixEpoch);
        return FromUnix(unchecked(unix - zone.OffsetOfLocal(unix)), time.Nanosecond, zone);
    }

    public Instant In(Zone zone) => new(_seconds, Nanosecond, zone);

    public Instant Plus(long nanoseconds)
    {
        var seconds = Math.DivRem(nanoseconds, NanosecondsPerSecond, out var rest);
        var nanosecond = Nanosecond + (int)rest;
        switch (nanosecond)
        {
            case >= (int)NanosecondsPerSecond:
                seconds++;
                nanosecond -= (int)NanosecondsPerSecond;
                break;
            case < 0:
                seconds--;
                nanosecond += (int)NanosecondsPerSecond;
                break;
        }

        return new Instant(unchecked(_seconds + seconds), nanosecond, Zone);
    }

    public long Minus(Instant other)
    {
        var difference = ((Int128)_seconds - other._seconds) * NanosecondsPerSecond + (Nanosecond - other.Nanosecond);
        return difference > long.MaxValue ? long.MaxValue : difference < long.MinValue ? long.MinValue : (long)difference;
    }

    /// <summary>Down to a multiple of the duration since the year 1; a duration that is not positive changes nothing.</summary>
    public Instant Truncate(long nanoseconds)
    {
        if (nanoseconds <= 0)
        {
            return this;
        }

        var rest = ((Int128)_seconds * NanosecondsPerSecond + Nanosecond) % nanoseconds;
        return Plus(-(long)(rest < 0 ? rest + nanoseconds : rest));
    }

    public int CompareTo(Instant other) => _seconds != other._seconds ? _seconds.CompareTo(other._seconds) : Nanosecond.CompareTo(other.Nanosecond);
}
