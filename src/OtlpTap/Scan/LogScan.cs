using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Scan;

/// <summary>
/// The walk over an <c>ExportLogsServiceRequest</c>: counts log records and collects their trace ids.
/// <code>
///   request       resource_logs = 1 *
///   ResourceLogs  scope_logs = 2 *
///   ScopeLogs     log_records = 2 *
///   LogRecord     trace_id = 9
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/logs/v1/logs.proto
/// </summary>
internal readonly ref struct LogScan(ReadOnlySpan<byte> request, ScanResult result)
{
    private readonly ReadOnlySpan<byte> _request = request;

    public bool TryRun(out WireError error)
    {
        var reader = new ProtoReader(_request);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.RequestResources && !ScanResourceLogs(reader.ValueOffset, reader.ValueEnd, out error))
            {
                return false;
            }
        }

        error = reader.Error;
        return !reader.IsMalformed;
    }

    private bool ScanResourceLogs(int start, int end, out WireError error)
    {
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.ResourceScopes && !ScanScopeLogs(reader.ValueOffset, reader.ValueEnd, out error))
            {
                return false;
            }
        }

        error = reader.Error;
        return !reader.IsMalformed;
    }

    private bool ScanScopeLogs(int start, int end, out WireError error)
    {
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.ScopeItems && !ScanLogRecord(reader.ValueOffset, reader.ValueEnd, out error))
            {
                return false;
            }
        }

        error = reader.Error;
        return !reader.IsMalformed;
    }

    private bool ScanLogRecord(int start, int end, out WireError error)
    {
        TraceId traceId = default;
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.LogRecordTraceId)
            {
                _ = TraceId.TryRead(reader.Value, out traceId);
            }
        }

        result.ItemCount++;
        result.AddTraceId(traceId);
        error = reader.Error;
        return !reader.IsMalformed;
    }
}
