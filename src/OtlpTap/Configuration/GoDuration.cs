using System.Buffers;
using System.Globalization;

namespace OtlpTap.Configuration;

/// <summary>Durations as Go and so the Collector write them: <c>5s</c>, <c>1h30m</c>, <c>1.5h</c>, <c>100ms</c>, <c>0</c>; never negative here.</summary>
internal static class GoDuration
{
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>False for anything else, a number without a unit among it.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text == "0")
        {
            return true;
        }

        var rest = text.AsSpan();
        var ticks = 0m;
        var parts = 0;
        while (rest.Length > 0)
        {
            var digits = rest.IndexOfAnyExcept(NumberCharacters);
            if (digits <= 0 || digits > 18 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            rest = rest[digits..];
            var letters = rest.IndexOfAnyInRange('0', '9');
            var unit = letters < 0 ? rest : rest[..letters];
            if (TicksOf(unit) is not { } scale)
            {
                return false;
            }

            ticks += number * scale;
            rest = rest[unit.Length..];
            parts++;
        }

        if (parts == 0 || ticks > TimeSpan.MaxValue.Ticks)
        {
            return false;
        }

        duration = TimeSpan.FromTicks((long)ticks);
        return true;
    }

    public static string Format(TimeSpan duration) => duration switch
    {
        { Ticks: 0 } => "0s",
        { TotalHours: >= 1 } when duration.Ticks % TimeSpan.TicksPerHour == 0 => Write(duration.TotalHours, "h"),
        { TotalMinutes: >= 1 } when duration.Ticks % TimeSpan.TicksPerMinute == 0 => Write(duration.TotalMinutes, "m"),
        { TotalSeconds: >= 1 } when duration.Ticks % TimeSpan.TicksPerSecond == 0 => Write(duration.TotalSeconds, "s"),
        _ => Write(duration.TotalMilliseconds, "ms"),
    };

    private static string Write(double number, string unit) => number.ToString(CultureInfo.InvariantCulture) + unit;

    private static decimal? TicksOf(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 0.01m,
        "us" or "µs" or "μs" => TimeSpan.TicksPerMicrosecond,
        "ms" => TimeSpan.TicksPerMillisecond,
        "s" => TimeSpan.TicksPerSecond,
        "m" => TimeSpan.TicksPerMinute,
        "h" => TimeSpan.TicksPerHour,
        _ => null,
    };
}
