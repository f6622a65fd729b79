using System.Collections.Concurrent;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;

namespace OtlpTap.Replay;

/// <summary>
/// Sorts what the agents under test send by their runs: by trace id, or by the attribute of their resource where an agent
/// begins traces of its own. What belongs to no run that is under way is left aside.
/// </summary>
internal sealed class TraceMailbox(TimeProvider time)
{
    // Bytes of one run. A case holds less; beyond it something runs away.
    private const long RunBytesMax = 256L << 20;

    private readonly ConcurrentDictionary<TraceId, RunTelemetry> _runs = new();

    public RunTelemetry Open(ReplayRun run) => _runs[run.TraceId] = new RunTelemetry(run, time, RunBytesMax);

    public void Close(ReplayRun run) => _runs.TryRemove(run.TraceId, out _);

    /// <summary>The runs that are under way.</summary>
    public IEnumerable<ReplayRun> Open() => _runs.Values.Select(static telemetry => telemetry.Run);

    /// <exception cref="InvalidProtocolBufferException">Not a request.</exception>
    public void Received(Signal signal, byte[] request)
    {
        if (signal == Signal.Traces)
        {
            ReceivedSpans(ExportTraceServiceRequest.Parser.ParseFrom(request));
        }
        else if (signal == Signal.Logs)
        {
            ReceivedLogs(ExportLogsServiceRequest.Parser.ParseFrom(request));
        }
    }

    private void ReceivedSpans(ExportTraceServiceRequest request)
    {
        foreach (var resource in request.ResourceSpans)
        {
            var named = RunNamedBy(resource.Resource);
            foreach (var scope in resource.ScopeSpans)
            {
                foreach (var group in scope.Spans.GroupBy(span => named ?? Run(span.TraceId)).Where(static group => group.Key is not null))
                {
                    var part = new ExportTraceServiceRequest();
                    var spans = new ScopeSpans { Scope = scope.Scope, SchemaUrl = scope.SchemaUrl };
                    spans.Spans.AddRange(group);
                    part.ResourceSpans.Add(new ResourceSpans { Resource = resource.Resource, SchemaUrl = resource.SchemaUrl, ScopeSpans = { spans } });
                    group.Key!.Add(Signal.Traces, part.ToByteArray(), group);
                }
            }
        }
    }

    private void ReceivedLogs(ExportLogsServiceRequest request)
    {
        foreach (var resource in request.ResourceLogs)
        {
            var named = RunNamedBy(resource.Resource);
            foreach (var scope in resource.ScopeLogs)
            {
                foreach (var group in scope.LogRecords.GroupBy(record => named ?? Run(record.TraceId)).Where(static group => group.Key is not null))
                {
                    var part = new ExportLogsServiceRequest();
                    var logs = new ScopeLogs { Scope = scope.Scope, SchemaUrl = scope.SchemaUrl };
                    logs.LogRecords.AddRange(group);
                    part.ResourceLogs.Add(new ResourceLogs { Resource = resource.Resource, SchemaUrl = resource.SchemaUrl, ScopeLogs = { logs } });
                    group.Key!.Add(Signal.Logs, part.ToByteArray(), []);
                }
            }
        }
    }

    private RunTelemetry? RunNamedBy(Resource? resource) =>
        resource?.Attributes.FirstOrDefault(static attribute => attribute.Key == ReplayRun.RunAttribute)?.Value?.StringValue is { } id && TraceId.TryParse(id, out var traceId)
            ? _runs.GetValueOrDefault(traceId)
            : null;

    private RunTelemetry? Run(ByteString traceId) =>
        TraceId.TryParse(Convert.ToHexStringLower(traceId.Span), out var id) ? _runs.GetValueOrDefault(id) : null;
}
