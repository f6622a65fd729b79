using OtlpTap.Rules.Expressions.Texts;
using OtlpTap.Rules.Expressions.Times;

namespace OtlpTap.Rules.Expressions.Functions;

internal static class TimeConverters
{
    private static readonly Parameter Time = new("Time", ParameterKind.Time);
    private static readonly Parameter Duration = new("Duration", ParameterKind.Duration);

    public static IEnumerable<Converter> All { get; } =
    [
        Part("Year", time => time.Calendar.Year),
        Part("Month", time => time.Calendar.Month),
        Part("Day", time => time.Calendar.Day),
        Part("Hour", time => time.Calendar.Hour),
        Part("Minute", time => time.Calendar.Minute),
        Part("Second", time => time.Calendar.Second),
        Part("Nanosecond", time => time.Nanosecond),
        Part("Weekday", time => time.Calendar.Weekday),
        Part("UnixSeconds", time => time.UnixSeconds),
        Part("UnixMilli", time => time.UnixMilliseconds),
        Part("UnixMicro", time => time.UnixMicroseconds),
        Part("UnixNano", time => time.UnixNanoseconds),
        Fraction("Hours", 3_600_000_000_000),
        Fraction("Minutes", 60_000_000_000),
        Fraction("Seconds", 1_000_000_000),
        Whole("Milliseconds", 1_000_000),
        Whole("Microseconds", 1_000),
        Whole("Nanoseconds", 1),
        Converter.Of("Duration", [new("Duration", ParameterKind.Text)], values => ParseDuration(((TextValue)values[0]).Text)),
        Converter.Of(
            "Unix",
            [new("Seconds", ParameterKind.Int), new("Nanoseconds", ParameterKind.Int, IsOptional: true)],
            values => new TimeValue(Instant.FromUnix(((IntValue)values[0]).Value, values[1] is IntValue nanoseconds ? nanoseconds.Value : 0, Zone.Utc))),
        Converter.Of("TruncateTime", [Time, Duration], values => new TimeValue(((TimeValue)values[0]).Time.Truncate(((DurationValue)values[1]).Nanoseconds))),
        new("Now", [], call => _ => new TimeValue(Now(call.Clock)), IgnoresArguments: true),
        new("FormatTime", [Time, new("Format", ParameterKind.LiteralText)], FormatTime),
        new(
            "Time",
            [
                new("Time", ParameterKind.Text), new("Format", ParameterKind.LiteralText),
                new("Location", ParameterKind.LiteralText, IsOptional: true), new("Locale", ParameterKind.LiteralText, IsOptional: true),
            ],
            ParseTime),
    ];

    private static Converter Part(string name, Func<Instant, long> part) => Converter.Of(name, [Time], values => new IntValue(part(((TimeValue)values[0]).Time)));

    private static Converter Whole(string name, long unit) => Converter.Of(name, [Duration], values => new IntValue(((DurationValue)values[0]).Nanoseconds / unit));

    // Whole units and the rest apart: a sum of the two is nearer than one division.
    private static Converter Fraction(string name, long unit) => Converter.Of(name, [Duration], values =>
    {
        var nanoseconds = ((DurationValue)values[0]).Nanoseconds;
        return new DoubleValue((nanoseconds / unit) + ((double)(nanoseconds % unit) / unit));
    });

    private static Instant Now(TimeProvider clock)
    {
        var ticks = clock.GetUtcNow().Ticks - DateTimeOffset.UnixEpoch.Ticks;
        return Instant.FromUnix(ticks / TimeSpan.TicksPerSecond, ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick, Zone.Utc);
    }

    private static Value ParseDuration(string text) =>
        TimeText.TryParseDuration(text, out var nanoseconds) ? new DurationValue(nanoseconds) : new Failure($"'{ByteText.ToDisplay(text)}' is no duration such as 1h30m or 1.5s");

    private static Func<TelemetryItem, Value>? FormatTime(ConverterCall call) => TimeFormat.Parse(call.LiteralText(1)!, out var problem) is { } format
        ? item => call[0].Get(item) is TimeValue time ? new TextValue(format.Format(time.Time)) : call[0].Get(item)
        : call.Refuse(1, problem);

    /// <summary>A time that says nothing about its zone is in the location given, in UTC without one.</summary>
    private static Func<TelemetryItem, Value>? ParseTime(ConverterCall call)
    {
        if (TimeFormat.Parse(call.LiteralText(1)!, out var problem) is not { } format)
        {
            return call.Refuse(1, problem);
        }

        if (ZoneFile.Find(call.LiteralText(2) ?? "") is not { } zone)
        {
            return call.Refuse(2, $"The time zone {ByteText.ToDisplay(call.LiteralText(2)!)} is unknown.");
        }

        var locale = call.LiteralText(3) is { } language ? LocaleNames.Find(language) : null;
        if (locale is null && call.LiteralText(3) is { } unknown)
        {
            return call.Refuse(3, $"The names of the language '{ByteText.ToDisplay(unknown)}' are unknown (known are {LocaleNames.Known}).");
        }

        return item => call[0].Get(item) switch
        {
            TextValue { Text.Length: 0 } => new Failure("an empty text is no time"),
            TextValue text => format.Parse(text.Text, zone, locale, call.Clock),
            var failure => failure,
        };
    }
}
