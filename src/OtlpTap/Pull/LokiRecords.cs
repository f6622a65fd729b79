using System.IO.Hashing;
using System.Text;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Resource.V1;
using OtlpTap.Otlp;

namespace OtlpTap.Pull;

/// <summary>
/// Lines of Loki's made into the log records they were. Loki keeps resource attributes as labels and all else as structured
/// metadata, all of it text, with underscores for dots (https://grafana.com/docs/loki/latest/send-data/otel/).
/// </summary>
internal static class LokiRecords
{
    /// <summary>Marks a record that came without a trace; its trace id is made of its own content, so that it can have a case.</summary>
    public const string WithoutTrace = "otlptap.pulled_without_trace";

    /// <summary>The records by their traces, each a serialized <c>ExportLogsServiceRequest</c>, in the order in which they came.</summary>
    public static IReadOnlyList<(TraceId TraceId, byte[] Logs)> ByTrace(IEnumerable<LokiEntry> entries)
    {
        var traces = new Dictionary<TraceId, ExportLogsServiceRequest>();
        var order = new List<TraceId>();
        foreach (var entry in entries)
        {
            var traceId = TraceIdOf(entry, out var isMade);
            if (!traces.TryGetValue(traceId, out var request))
            {
                traces.Add(traceId, request = new ExportLogsServiceRequest());
                order.Add(traceId);
            }

            Add(request, entry, traceId, isMade);
        }

        return [.. order.Select(traceId => (traceId, traces[traceId].ToByteArray()))];
    }

    private static void Add(ExportLogsServiceRequest request, LokiEntry entry, TraceId traceId, bool isMade)
    {
        var record = new LogRecord { TimeUnixNano = (ulong)entry.UnixNano, TraceId = ByteString.CopyFrom(Convert.FromHexString(traceId.ToString())) };
        if (entry.Line.Length > 0)
        {
            record.Body = new AnyValue { StringValue = entry.Line };
        }

        var resource = new Resource();
        var scope = new InstrumentationScope();
        foreach (var (name, text) in entry.Labels)
        {
            Set(record, resource, scope, name, text, isLabel: true);
        }

        foreach (var (name, text) in entry.Metadata)
        {
            Set(record, resource, scope, name, text, isLabel: false);
        }

        if (isMade)
        {
            record.Attributes.Add(new KeyValue { Key = WithoutTrace, Value = new AnyValue { BoolValue = true } });
        }

        var place = request.ResourceLogs.FirstOrDefault(other => other.Resource.Equals(resource) && other.ScopeLogs[0].Scope.Equals(scope));
        if (place is null)
        {
            request.ResourceLogs.Add(place = new ResourceLogs { Resource = resource, ScopeLogs = { new ScopeLogs { Scope = scope } } });
        }

        place.ScopeLogs[0].LogRecords.Add(record);
    }

    private static void Set(LogRecord record, Resource resource, InstrumentationScope scope, string name, string text, bool isLabel)
    {
        switch (name)
        {
            case "trace_id" or "traceid" or "traceID" or "TraceId" or "flags" or "detected_level" or "__error__" or "__error_details__":
                break;
            case "span_id" or "spanid" or "spanID" or "SpanId":
                if (SpanId.TryParse(text.PadLeft(16, '0'), out var spanId) && !spanId.IsZero)
                {
                    record.SpanId = ByteString.CopyFrom(Convert.FromHexString(spanId.ToString()));
                }

                break;
            case "severity_text":
                record.SeverityText = text;
                break;
            case "severity_number" when int.TryParse(text, out var number) && number is >= 0 and <= 24:
                record.SeverityNumber = (SeverityNumber)number;
                break;
            case "observed_timestamp" when ulong.TryParse(text, out var observed):
                record.ObservedTimeUnixNano = observed;
                break;
            case "event_name":
                record.EventName = text;
                break;
            case "scope_name":
                scope.Name = text;
                break;
            case "scope_version":
                scope.Version = text;
                break;
            default:
                var attribute = new KeyValue { Key = LokiNames.Restore(name), Value = new AnyValue { StringValue = text } };
                if (LokiNames.IsOfResource(attribute.Key, isLabel))
                {
                    resource.Attributes.Add(attribute);
                }
                else
                {
                    record.Attributes.Add(attribute);
                }

                break;
        }
    }

    private static TraceId TraceIdOf(LokiEntry entry, out bool isMade)
    {
        foreach (var name in (ReadOnlySpan<string>)["trace_id", "traceid", "traceID", "TraceId"])
        {
            if ((entry.Metadata.TryGetValue(name, out var text) || entry.Labels.TryGetValue(name, out text))
                && text.Length > 0 && TraceId.TryParse(text.PadLeft(2 * TraceId.Length, '0'), out var traceId) && !traceId.IsZero)
            {
                isMade = false;
                return traceId;
            }
        }

        isMade = true;
        var content = new StringBuilder().Append(entry.UnixNano).Append('\n').Append(entry.Line);
        foreach (var (name, text) in entry.Labels.Concat(entry.Metadata).OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            content.Append('\n').Append(name).Append('=').Append(text);
        }

        _ = TraceId.TryRead(XxHash128.Hash(Encoding.UTF8.GetBytes(content.ToString())), out var made);
        return made;
    }
}
