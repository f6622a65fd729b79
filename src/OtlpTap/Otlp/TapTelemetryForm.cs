using Google.Protobuf;
using Google.Protobuf.Collections;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpSpan = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Otlp;

/// <summary>
/// The form of telemetry of the tap's own making: each item as a request of its own, under the service that it is about and
/// the scope by which <see cref="TapTelemetry"/> knows it again. Serialized requests concatenate, and so become batches.
/// </summary>
/// <param name="version">Of the tap, for the scope.</param>
internal sealed class TapTelemetryForm(string version)
{
    // The SDKs' word for it.
    private const string NoService = "unknown_service";

    /// <summary>A serialized <c>ExportTraceServiceRequest</c> with one span.</summary>
    /// <param name="service">Empty where it is not known.</param>
    public byte[] Request(string service, OtlpSpan span) => new ExportTraceServiceRequest
    {
        ResourceSpans = { new ResourceSpans { Resource = ResourceOf(service), ScopeSpans = { new ScopeSpans { Scope = Scope(), Spans = { span } } } } },
    }.ToByteArray();

    /// <summary>A serialized <c>ExportLogsServiceRequest</c> with one record.</summary>
    /// <param name="service">Empty where it is not known.</param>
    public byte[] Request(string service, LogRecord record) => new ExportLogsServiceRequest
    {
        ResourceLogs = { new ResourceLogs { Resource = ResourceOf(service), ScopeLogs = { new ScopeLogs { Scope = Scope(), LogRecords = { record } } } } },
    }.ToByteArray();

    public static KeyValue Text(string key, string text) => new() { Key = key, Value = new AnyValue { StringValue = text } };

    public static KeyValue Number(string key, double number) => new() { Key = key, Value = new AnyValue { DoubleValue = number } };

    /// <summary>Nothing where the text is empty.</summary>
    public static void AddText(RepeatedField<KeyValue> attributes, string key, string text)
    {
        if (text.Length > 0)
        {
            attributes.Add(Text(key, text));
        }
    }

    private static Resource ResourceOf(string service) => new() { Attributes = { Text("service.name", service.Length > 0 ? service : NoService) } };

    private InstrumentationScope Scope() => new() { Name = TapTelemetry.ScopeName, Version = version };
}
