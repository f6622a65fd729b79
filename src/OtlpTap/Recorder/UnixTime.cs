namespace OtlpTap.Recorder;

/// <summary>OTLP's clock: nanoseconds since 1970, in steps of 100 where .NET's clock gives them.</summary>
internal static class UnixTime
{
    private const long NanosecondsPerTick = 100;

    public static long Now(TimeProvider time) => ToNanoseconds(time.GetUtcNow() - DateTimeOffset.UnixEpoch);

    public static long ToNanoseconds(TimeSpan span) => span.Ticks * NanosecondsPerTick;

    public static TimeSpan FromNanoseconds(long nanoseconds) => TimeSpan.FromTicks(nanoseconds / NanosecondsPerTick);
}
