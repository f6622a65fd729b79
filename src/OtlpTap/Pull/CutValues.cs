using System.Text;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;

namespace OtlpTap.Pull;

/// <summary>
/// Whether a backend may have cut values: Tempo cuts each attribute's key and text to <c>distributor.max_attribute_bytes</c>
/// and answers success, so that a value of exactly that length is most likely the beginning of a longer one.
/// </summary>
internal static class CutValues
{
    public static bool AreIn(ExportTraceServiceRequest request, int bytesMax)
    {
        if (bytesMax == 0)
        {
            return false;
        }

        foreach (var resource in request.ResourceSpans)
        {
            if (Any(resource.Resource?.Attributes, bytesMax))
            {
                return true;
            }

            foreach (var scope in resource.ScopeSpans)
            {
                if (Any(scope.Scope?.Attributes, bytesMax)
                    || scope.Spans.Any(span => Any(span.Attributes, bytesMax) || span.Events.Any(item => Any(item.Attributes, bytesMax)) || span.Links.Any(link => Any(link.Attributes, bytesMax))))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool Any(IEnumerable<KeyValue>? attributes, int bytesMax) =>
        attributes?.Any(attribute => IsCut(attribute.Key, bytesMax)
            || (attribute.Value?.ValueCase == AnyValue.ValueOneofCase.StringValue && IsCut(attribute.Value.StringValue, bytesMax))) == true;

    /// <summary>
    /// Tempo cuts between bytes. Of a character that it cut through one to three bytes are left; in protobuf they come as they are
    /// and are read as one replacement, in JSON each of them has become one.
    /// </summary>
    private static bool IsCut(string text, int bytesMax)
    {
        var whole = text.AsSpan().TrimEnd('\uFFFD');
        var missing = bytesMax - Encoding.UTF8.GetByteCount(whole);
        return whole.Length == text.Length ? missing == 0 : missing is > 0 and <= 3;
    }
}
