namespace OtlpTap.Otlp;

/// <summary>
/// By what telemetry that a tap made itself is known. It is about other spans: no tap judges it, tags it or takes it for a
/// step of an agent, whichever tap of a chain made it.
/// </summary>
internal static class TapTelemetry
{
    /// <summary>The instrumentation scope.</summary>
    public const string ScopeName = "otlptap";

    /// <summary>The span that says what was found in another one.</summary>
    public const string VerdictSpanName = "otlptap.verdict";

    public static ReadOnlySpan<byte> ScopeNameUtf8 => "otlptap"u8;
}
