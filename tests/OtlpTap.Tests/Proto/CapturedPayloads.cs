using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Metrics.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Proto;

/// <summary>The requests captured from real instrumentations, by their path under the fixtures' folder.</summary>
internal static class CapturedPayloads
{
    private static readonly string Root = Path.Combine(AppContext.BaseDirectory, "fixtures");

    public static TheoryData<string> Protobuf => Named("*.otlp.pb");

    public static TheoryData<string> Json => Named("*.otlp.json");

    public static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(Root, name));

    public static Signal SignalOf(string name) => name.Contains(".logs", StringComparison.Ordinal) ? Signal.Logs : Signal.Traces;

    public static MessageParser ParserFor(Signal signal) => signal switch
    {
        Signal.Traces => ExportTraceServiceRequest.Parser,
        Signal.Logs => ExportLogsServiceRequest.Parser,
        _ => ExportMetricsServiceRequest.Parser,
    };

    private static TheoryData<string> Named(string pattern) =>
        [.. Directory.EnumerateFiles(Root, pattern, SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Root, path)).Order(StringComparer.Ordinal)];
}
