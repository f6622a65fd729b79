namespace OtlpTap.Advice.Effect;

/// <summary>Time as OTLP writes it.</summary>
internal static class UnixNano
{
    public const ulong Second = 1_000_000_000;

    public static ulong Of(DateTimeOffset time) => (ulong)Math.Max(0, time.Ticks - DateTimeOffset.UnixEpoch.Ticks) * 100;
}
