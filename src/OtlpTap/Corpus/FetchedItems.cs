using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;

namespace OtlpTap.Corpus;

/// <summary>
/// What a backend gives back is not byte for byte what it was sent: values are cut, names rewritten. Where the whole item
/// is known, its copy is left out, so that a case does not have it twice.
/// </summary>
internal static class FetchedItems
{
    /// <param name="known">A serialized <c>ExportTraceServiceRequest</c>: its spans are left out, by their ids.</param>
    public static byte[] SpansNotIn(byte[] known, byte[] fetched)
    {
        if (known.Length == 0 || fetched.Length == 0)
        {
            return fetched;
        }

        var ids = ExportTraceServiceRequest.Parser.ParseFrom(known).ResourceSpans
            .SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans).Select(span => span.SpanId).ToHashSet();
        var request = ExportTraceServiceRequest.Parser.ParseFrom(fetched);
        foreach (var scope in request.ResourceSpans.SelectMany(resource => resource.ScopeSpans))
        {
            var left = scope.Spans.Where(span => !ids.Contains(span.SpanId)).ToList();
            scope.Spans.Clear();
            scope.Spans.AddRange(left);
        }

        return request.ToByteArray();
    }

    /// <param name="known">A serialized <c>ExportLogsServiceRequest</c>: its records are left out, by their time and span.</param>
    public static byte[] LogsNotIn(byte[] known, byte[] fetched)
    {
        if (known.Length == 0 || fetched.Length == 0)
        {
            return fetched;
        }

        var ids = ExportLogsServiceRequest.Parser.ParseFrom(known).ResourceLogs
            .SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords).Select(record => (TimeOf(record), record.SpanId)).ToHashSet();
        var request = ExportLogsServiceRequest.Parser.ParseFrom(fetched);
        foreach (var scope in request.ResourceLogs.SelectMany(resource => resource.ScopeLogs))
        {
            var left = scope.LogRecords.Where(record => !ids.Contains((TimeOf(record), record.SpanId))).ToList();
            scope.LogRecords.Clear();
            scope.LogRecords.AddRange(left);
        }

        return request.ToByteArray();
    }

    // Loki keeps one time: that of the record, or when it has none, of its observation.
    private static ulong TimeOf(OpenTelemetry.Proto.Logs.V1.LogRecord record) => record.TimeUnixNano != 0 ? record.TimeUnixNano : record.ObservedTimeUnixNano;
}
