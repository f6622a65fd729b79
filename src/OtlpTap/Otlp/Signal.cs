namespace OtlpTap.Otlp;

/// <summary>The telemetry signals that OTLP 1.9 exports through a service of their own.</summary>
internal enum Signal : byte
{
    Traces,
    Logs,
    Metrics,
}
