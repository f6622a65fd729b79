using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace OtlpTap.Benchmarks.Payloads;

/// <summary>
/// A valid request made to cost as much as it can: every span fails; it carries as many attributes as an SDK lets
/// through by default; their keys have the length, the first and the last eight bytes of keys that rules ask for; their
/// values are nested; and each span lies in a scope and a resource of its own, so that tagging repairs lengths everywhere.
/// </summary>
internal static class HostileTraces
{
    public const int Spans = 50;

    // OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT's default.
    private const int AttributesPerSpan = 128;
    private const int Depth = 16;

    public static ExportTraceServiceRequest Request()
    {
        var nested = new AnyValue { StringValue = "bottom" };
        for (var level = 0; level < Depth; level++)
        {
            nested = new AnyValue { KvlistValue = new KeyValueList { Values = { new KeyValue { Key = "deeper", Value = nested } } } };
        }

        var request = new ExportTraceServiceRequest();
        for (var i = 0; i < Spans; i++)
        {
            request.ResourceSpans.Add(new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { Span(i, nested) } } } });
        }

        return request;
    }

    private static Span Span(int index, AnyValue nested)
    {
        var id = new byte[16];
        id[0] = (byte)(index + 1);
        var span = new Span
        {
            TraceId = ByteString.CopyFrom(id),
            SpanId = ByteString.CopyFrom(id, 0, 8),
            Name = "execute_tool",
            Status = new Status { Code = Status.Types.StatusCode.Error },
        };
        for (var i = 0; i < AttributesPerSpan - 1; i++)
        {
            // As "gen_ai.operation.name", but for the middle.
            span.Attributes.Add(new KeyValue { Key = $"gen_ai.o{i:00000}ion.name", Value = nested });
        }

        span.Attributes.Add(new KeyValue { Key = "gen_ai.operation.name", Value = new AnyValue { StringValue = "execute_tool" } });
        return span;
    }
}
