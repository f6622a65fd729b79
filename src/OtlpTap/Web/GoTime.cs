using System.Globalization;

namespace OtlpTap.Web;

/// <summary>Instants and durations as Go's <c>encoding/json</c> and <c>time.Duration.String</c> write them.</summary>
internal static class GoTime
{
    /// <summary>What Go writes for an instant that was never set.</summary>
    public const string Zero = "0001-01-01T00:00:00Z";

    /// <summary>RFC 3339 with as many digits of the second as there are: <c>2026-11-23T08:10:18.5Z</c>.</summary>
    public static string Instant(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    /// <summary><c>1h2m3.5s</c>; below a second in the largest unit that has a whole part: <c>1.5ms</c>, <c>100µs</c>, <c>0s</c>.</summary>
    /// <param name="duration">Not negative.</param>
    public static string Duration(TimeSpan duration)
    {
        if (duration < TimeSpan.FromSeconds(1))
        {
            return duration switch
            {
                { Ticks: 0 } => "0s",
                { Ticks: < TimeSpan.TicksPerMicrosecond } => Number(duration.Ticks * 100m, "ns"),
                { Ticks: < TimeSpan.TicksPerMillisecond } => Number(duration.Ticks / (decimal)TimeSpan.TicksPerMicrosecond, "µs"),
                _ => Number(duration.Ticks / (decimal)TimeSpan.TicksPerMillisecond, "ms"),
            };
        }

        var hours = duration.Ticks / TimeSpan.TicksPerHour;
        var minutes = duration.Minutes;
        var seconds = Number(duration.Ticks % TimeSpan.TicksPerMinute / (decimal)TimeSpan.TicksPerSecond, "s");
        return (hours, minutes) switch
        {
            (0, 0) => seconds,
            (0, _) => string.Create(CultureInfo.InvariantCulture, $"{minutes}m{seconds}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{hours}h{minutes}m{seconds}"),
        };
    }

    private static string Number(decimal number, string unit) => number.ToString("0.#######", CultureInfo.InvariantCulture) + unit;
}
