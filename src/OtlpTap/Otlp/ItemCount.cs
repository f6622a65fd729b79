using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>
/// How many items a serialized request holds: spans, log records or data points, what <c>rejected_*</c> counts.
/// <code>
///   traces:   resource_spans   = 1 / scope_spans   = 2 / spans       = 2
///   logs:     resource_logs    = 1 / scope_logs    = 2 / log_records = 2
///   metrics:  resource_metrics = 1 / scope_metrics = 2 / metrics     = 2 / gauge .. summary = 5, 7, 9, 10, 11 / data_points = 1
/// </code>
/// For the rare reply that needs it; a malformed request counts up to its error.
/// </summary>
internal static class ItemCount
{
    public static long Of(Signal signal, ReadOnlySpan<byte> request)
    {
        long count = 0;
        var resources = new ProtoReader(request);
        while (Next(ref resources, OtlpFields.TraceRequest.ResourceSpans))
        {
            var scopes = new ProtoReader(resources.Value);
            while (Next(ref scopes, OtlpFields.ResourceSpans.ScopeSpans))
            {
                var items = new ProtoReader(scopes.Value);
                while (Next(ref items, OtlpFields.ScopeSpans.Spans))
                {
                    count += signal == Signal.Metrics ? DataPoints(items.Value) : 1;
                }
            }
        }

        return count;
    }

    /// <summary>How many resources a request holds, with or without items.</summary>
    public static long OfResources(ReadOnlySpan<byte> request)
    {
        long count = 0;
        var resources = new ProtoReader(request);
        while (Next(ref resources, OtlpFields.TraceRequest.ResourceSpans))
        {
            count++;
        }

        return count;
    }

    private static long DataPoints(ReadOnlySpan<byte> metric)
    {
        long count = 0;
        var data = new ProtoReader(metric);
        while (data.Next())
        {
            if (data.WireType == WireType.LengthDelimited
                && data.FieldNumber is OtlpFields.Metric.Gauge or OtlpFields.Metric.Sum or OtlpFields.Metric.Histogram
                    or OtlpFields.Metric.ExponentialHistogram or OtlpFields.Metric.Summary)
            {
                var points = new ProtoReader(data.Value);
                while (Next(ref points, OtlpFields.MetricData.DataPoints))
                {
                    count++;
                }
            }
        }

        return count;
    }

    private static bool Next(ref ProtoReader reader, int field)
    {
        while (reader.Next())
        {
            if (reader.FieldNumber == field && reader.WireType == WireType.LengthDelimited)
            {
                return true;
            }
        }

        return false;
    }
}
