using OtlpTap.Wire;

namespace OtlpTap.Scan;

/// <summary>
/// The walk over an <c>ExportMetricsServiceRequest</c>: counts data points.
/// <code>
///   request          resource_metrics = 1 *
///   ResourceMetrics  scope_metrics = 2 *
///   ScopeMetrics     metrics = 2 *
///   Metric           one of: gauge = 5, sum = 7, histogram = 9, exponential_histogram = 10, summary = 11
///   each of these    data_points = 1 *
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/metrics/v1/metrics.proto
/// </summary>
internal readonly ref struct MetricScan(ReadOnlySpan<byte> request, ScanResult result)
{
    private readonly ReadOnlySpan<byte> _request = request;

    public bool TryRun(out WireError error)
    {
        var reader = new ProtoReader(_request);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.RequestResources && !ScanResourceMetrics(reader.ValueOffset, reader.ValueEnd, out error))
            {
                return false;
            }
        }

        error = reader.Error;
        return !reader.IsMalformed;
    }

    private bool ScanResourceMetrics(int start, int end, out WireError error)
    {
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.ResourceScopes && !ScanScopeMetrics(reader.ValueOffset, reader.ValueEnd, out error))
            {
                return false;
            }
        }

        error = reader.Error;
        return !reader.IsMalformed;
    }

    private bool ScanScopeMetrics(int start, int end, out WireError error)
    {
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.ScopeItems && !ScanMetric(reader.ValueOffset, reader.ValueEnd, out error))
            {
                return false;
            }
        }

        error = reader.Error;
        return !reader.IsMalformed;
    }

    private bool ScanMetric(int start, int end, out WireError error)
    {
        // One of: another kind of data replaces what came before, the same kind again adds to it.
        var points = 0;
        uint kind = 0;
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.Tag is not (FieldTags.Gauge or FieldTags.Sum or FieldTags.Histogram or FieldTags.ExponentialHistogram or FieldTags.Summary))
            {
                continue;
            }

            points = reader.Tag == kind ? points : 0;
            kind = reader.Tag;
            if (!TryCountDataPoints(reader.ValueOffset, reader.ValueEnd, ref points, out error))
            {
                return false;
            }
        }

        result.ItemCount += points;
        error = reader.Error;
        return !reader.IsMalformed;
    }

    private bool TryCountDataPoints(int start, int end, ref int points, out WireError error)
    {
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.DataPoints)
            {
                points++;
            }
        }

        error = reader.Error;
        return !reader.IsMalformed;
    }
}
