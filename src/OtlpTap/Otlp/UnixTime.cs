namespace OtlpTap.Otlp;

/// <summary>OTLP's clock: nanoseconds since 1970, in steps of 100 where .NET's clock gives them.</summary>
internal static class UnixTime
{
    public const ulong Second = 1_000_000_000;

    private const long NanosecondsPerTick = 100;

    public static long Now(TimeProvider time) => ToNanoseconds(time.GetUtcNow() - DateTimeOffset.UnixEpoch);

    /// <summary>As OTLP's fields have it; what was before 1970 is 1970.</summary>
    public static ulong Of(DateTimeOffset time) => (ulong)Math.Max(0, ToNanoseconds(time - DateTimeOffset.UnixEpoch));

    public static long ToNanoseconds(TimeSpan span) => span.Ticks * NanosecondsPerTick;

    public static TimeSpan FromNanoseconds(long nanoseconds) => TimeSpan.FromTicks(nanoseconds / NanosecondsPerTick);
}
