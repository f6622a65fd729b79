using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;

namespace OtlpTap.Pull;

/// <summary>The id that was asked for, in every span: a backend may keep it without the zeros it begins with.</summary>
internal static class TraceIds
{
    public static void Set(ExportTraceServiceRequest request, TraceId traceId)
    {
        var id = ByteString.CopyFrom(Convert.FromHexString(traceId.ToString()));
        foreach (var span in request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans))
        {
            if (span.TraceId.Length < id.Length)
            {
                span.TraceId = id;
            }
        }
    }
}
