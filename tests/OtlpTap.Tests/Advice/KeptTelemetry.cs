using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Otlp;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Advice;

/// <summary>Keeps what the backend would be told.</summary>
internal sealed class KeptTelemetry : ITapTelemetry
{
    private readonly List<(Signal Signal, byte[] Request)> _offered = [];

    public IEnumerable<ExportTraceServiceRequest> Traces => Of(Signal.Traces).Select(ExportTraceServiceRequest.Parser.ParseFrom);

    public IEnumerable<Span> Spans => Traces.Select(request => request.ResourceSpans.Single().ScopeSpans.Single().Spans.Single());

    public IEnumerable<LogRecord> Logs => Of(Signal.Logs).Select(request => ExportLogsServiceRequest.Parser.ParseFrom(request).ResourceLogs.Single().ScopeLogs.Single().LogRecords.Single());

    public void Offer(Signal signal, byte[] request) => _offered.Add((signal, request));

    private IEnumerable<byte[]> Of(Signal signal) => _offered.Where(offer => offer.Signal == signal).Select(offer => offer.Request);
}
