using System.Collections.Concurrent;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;

namespace OtlpTap.Cli.Demo;

/// <summary>A span that arrived with the tap's tags.</summary>
internal sealed record TaggedSpan(string TraceId, string Name, string Failure, IReadOnlyList<string> Rules);

/// <summary>Stands in for Tempo: takes traces over OTLP/gRPC and keeps what carries the tap's tags.</summary>
internal sealed class DemoUpstream : TraceService.TraceServiceBase
{
    private readonly ConcurrentQueue<TaggedSpan> _tagged = new();
    private int _spanCount;

    /// <summary>Of the agent; the tap's own are beside them.</summary>
    public int SpanCount => Volatile.Read(ref _spanCount);

    public IEnumerable<TaggedSpan> TakeTagged()
    {
        while (_tagged.TryDequeue(out var span))
        {
            yield return span;
        }
    }

    public override Task<ExportTraceServiceResponse> Export(ExportTraceServiceRequest request, ServerCallContext context)
    {
        foreach (var (scope, span) in request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans, (scope, span) => (scope, span)))
        {
            if (scope.Scope?.Name != TapTelemetry.ScopeName)
            {
                Interlocked.Increment(ref _spanCount);
            }

            if (Value(span, "otlptap.failure") is { } failure)
            {
                var rules = Value(span, "otlptap.rules")?.ArrayValue.Values.Select(rule => rule.StringValue) ?? [];
                _tagged.Enqueue(new TaggedSpan(Convert.ToHexStringLower(span.TraceId.Span), span.Name, failure.StringValue, [.. rules]));
            }
        }

        return Task.FromResult(new ExportTraceServiceResponse());
    }

    private static OpenTelemetry.Proto.Common.V1.AnyValue? Value(Span span, string key) =>
        span.Attributes.FirstOrDefault(attribute => attribute.Key == key)?.Value;
}
