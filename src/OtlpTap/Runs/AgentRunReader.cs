using OtlpTap.Otlp;
using OtlpTap.Runs.Dialects;
using OtlpTap.Runs.Telemetry;

namespace OtlpTap.Runs;

/// <summary>
/// Reads the spans and log records of traces as agents' runs, whatever instrumentation they come from. Never throws for
/// what it is given: what is malformed or beyond <see cref="RunLimits"/> is left out.
/// </summary>
internal static class AgentRunReader
{
    /// <summary>One run for each trace id.</summary>
    /// <param name="spans">A serialized ExportTraceServiceRequest; several concatenated are one.</param>
    /// <param name="logs">A serialized ExportLogsServiceRequest, or nothing. Records belong to the step of their span id.</param>
    public static IReadOnlyList<AgentRun> Read(ReadOnlySpan<byte> spans, ReadOnlySpan<byte> logs, RunLimits limits)
    {
        var input = new RunInput(limits);
        var keys = new KeyNames();
        new TelemetryReader(spans, limits, keys, input).ReadSpans();
        new TelemetryReader(logs, limits, keys, input).ReadLogs();
        var runs = new List<AgentRun>();
        foreach (var (traceId, trace) in input.Traces)
        {
            runs.Add(ReadTrace(traceId, trace, input, limits));
        }

        return runs;
    }

    private static AgentRun ReadTrace(in TraceId traceId, List<SpanRecord> spans, RunInput input, RunLimits limits)
    {
        var tree = new SpanTree(spans);
        var reader = new StepReader(limits);
        var steps = new List<RunStep>(tree.Spans.Count);
        foreach (var span in tree.Spans)
        {
            steps.Add(reader.Read(span, tree.Kind(span.SpanId), tree.Agent(span), input.Logs(traceId, span.SpanId)));
        }

        return RunStory.Tell(traceId, steps, limits, input.IsCut);
    }
}
