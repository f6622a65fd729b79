using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Metrics.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Metrics.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace OtlpTap.Tests.Validate;

/// <summary>
/// What is to become of a request, on the generated classes. They hold no text that is not UTF-8, so such text is
/// <see cref="Marker"/> here and made of invalid bytes in <see cref="Broken"/>.
/// </summary>
internal static class ValidityOracle
{
    public const string Marker = "!BROKEN!";

    private static readonly byte[] BrokenMarker = [(byte)'!', 0xff, (byte)'R', 0xe2, 0x82, 0xc0, (byte)'N', 0xf0];

    /// <summary>What becomes of <see cref="BrokenMarker"/>: E2 82 is one subpart, C0 starts nothing.</summary>
    public const string Repaired = "!\ufffdR\ufffd\ufffdN\ufffd";

    /// <summary>The same bytes with text that is not UTF-8.</summary>
    public static byte[] Broken(byte[] request)
    {
        var bytes = request.ToArray();
        var rest = bytes.AsSpan();
        for (int at; (at = rest.IndexOf("!BROKEN!"u8)) >= 0; rest = rest[(at + BrokenMarker.Length)..])
        {
            BrokenMarker.CopyTo(rest[at..]);
        }

        return bytes;
    }

    /// <summary>Takes out of the request what is invalid. Answers how many items that were.</summary>
    public static int Reject(IMessage request) => request switch
    {
        ExportTraceServiceRequest traces => RejectIn(
            traces.ResourceSpans,
            resource => resource.ScopeSpans,
            scope => scope.Spans,
            (resource, clone) => clone.ScopeSpans.Clear(),
            (scope, clone) => clone.Spans.Clear(),
            _ => 1,
            span => IsText(span) && IsValid(span)),
        ExportLogsServiceRequest logs => RejectIn(
            logs.ResourceLogs,
            resource => resource.ScopeLogs,
            scope => scope.LogRecords,
            (resource, clone) => clone.ScopeLogs.Clear(),
            (scope, clone) => clone.LogRecords.Clear(),
            _ => 1,
            record => IsText(record) && record.TraceId.Length is 0 or 16 && record.SpanId.Length is 0 or 8),
        ExportMetricsServiceRequest metrics => RejectMetrics(metrics),
        _ => throw new ArgumentException("no request"),
    };

    /// <summary>Whether no text of it and of all within is broken.</summary>
    public static bool IsText(IMessage message)
    {
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            foreach (var value in ValuesOf(message, field))
            {
                if ((value is string text && text.Contains(Marker, StringComparison.Ordinal)) || (value is IMessage inner && !IsText(inner)))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Replaces the marker in all text of it, as a repair does.</summary>
    public static void Repair(IMessage message)
    {
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            if (field.FieldType == FieldType.String && field.IsRepeated)
            {
                var list = (IList)field.Accessor.GetValue(message);
                for (var i = 0; i < list.Count; i++)
                {
                    list[i] = RepairedText((string)list[i]!);
                }
            }
            else if (field.FieldType == FieldType.String)
            {
                // Of a oneof only the member that is set: setting another would clear it.
                var text = (string)field.Accessor.GetValue(message);
                if (text.Contains(Marker, StringComparison.Ordinal))
                {
                    field.Accessor.SetValue(message, RepairedText(text));
                }
            }

            foreach (var inner in ValuesOf(message, field).OfType<IMessage>())
            {
                Repair(inner);
            }
        }
    }

    private static string RepairedText(string text) => text.Replace(Marker, Repaired, StringComparison.Ordinal);

    private static int RejectIn<TResource, TScope, TItem>(
        IList<TResource> resources,
        Func<TResource, IList<TScope>> scopesOf,
        Func<TScope, IList<TItem>> itemsOf,
        Action<TResource, TResource> clearScopes,
        Action<TScope, TScope> clearItems,
        Func<TItem, int> countOf,
        Func<TItem, bool> keep)
        where TResource : IMessage<TResource>, IDeepCloneable<TResource>
        where TScope : IMessage<TScope>, IDeepCloneable<TScope>
    {
        var rejected = 0;
        foreach (var resource in resources.ToList())
        {
            var alone = resource.Clone();
            clearScopes(resource, alone);
            if (!IsText(alone))
            {
                rejected += scopesOf(resource).Sum(scope => itemsOf(scope).Sum(countOf));
                Remove(resources, resource);
                continue;
            }

            var scopesGone = 0;
            foreach (var scope in scopesOf(resource).ToList())
            {
                var scopeAlone = scope.Clone();
                clearItems(scope, scopeAlone);
                var isText = IsText(scopeAlone);
                var gone = 0;
                foreach (var item in itemsOf(scope).ToList())
                {
                    var before = countOf(item);
                    var isKept = isText && keep(item);
                    rejected += isKept ? before - countOf(item) : before;
                    if (!isKept)
                    {
                        Remove(itemsOf(scope), item);
                        gone++;
                    }
                }

                if (!isText || (gone > 0 && itemsOf(scope).Count == 0))
                {
                    Remove(scopesOf(resource), scope);
                    scopesGone++;
                }
            }

            if (scopesGone > 0 && scopesOf(resource).Count == 0)
            {
                Remove(resources, resource);
            }
        }

        return rejected;
    }

    private static int RejectMetrics(ExportMetricsServiceRequest metrics) => RejectIn(
        metrics.ResourceMetrics,
        resource => resource.ScopeMetrics,
        scope => scope.Metrics,
        (resource, clone) => clone.ScopeMetrics.Clear(),
        (scope, clone) => clone.Metrics.Clear(),
        metric => PointsOf(metric)?.Count ?? 0,
        KeepMetric);

    private static bool KeepMetric(Metric metric)
    {
        var alone = metric.Clone();
        PointsOf(alone)?.Clear();
        var points = PointsOf(metric);
        if (!IsText(alone))
        {
            return false;
        }

        if (points is null || points.Count == 0)
        {
            return true;
        }

        if (metric.Name.Length == 0 || TemporalityOf(metric) == AggregationTemporality.Unspecified)
        {
            return false;
        }

        for (var i = points.Count - 1; i >= 0; i--)
        {
            if (!IsText((IMessage)points[i]!) || !IsValidPoint(points[i]!))
            {
                points.RemoveAt(i);
            }
        }

        return points.Count > 0;
    }

    private static IList? PointsOf(Metric metric) => metric.DataCase switch
    {
        Metric.DataOneofCase.Gauge => metric.Gauge.DataPoints,
        Metric.DataOneofCase.Sum => metric.Sum.DataPoints,
        Metric.DataOneofCase.Histogram => metric.Histogram.DataPoints,
        Metric.DataOneofCase.ExponentialHistogram => metric.ExponentialHistogram.DataPoints,
        Metric.DataOneofCase.Summary => metric.Summary.DataPoints,
        _ => null,
    };

    private static AggregationTemporality? TemporalityOf(Metric metric) => metric.DataCase switch
    {
        Metric.DataOneofCase.Sum => metric.Sum.AggregationTemporality,
        Metric.DataOneofCase.Histogram => metric.Histogram.AggregationTemporality,
        Metric.DataOneofCase.ExponentialHistogram => metric.ExponentialHistogram.AggregationTemporality,
        _ => null,
    };

    private static bool IsValidPoint(object point) => point switch
    {
        NumberDataPoint number => (number.ValueCase != NumberDataPoint.ValueOneofCase.None || (number.Flags & 1) != 0) && number.Exemplars.All(IsValid),
        HistogramDataPoint histogram =>
            (histogram.BucketCounts.Count == histogram.ExplicitBounds.Count + 1 || histogram.BucketCounts.Count + histogram.ExplicitBounds.Count == 0)
            && histogram.Exemplars.All(IsValid),
        ExponentialHistogramDataPoint histogram => histogram.Exemplars.All(IsValid),
        _ => true,
    };

    private static bool IsValid(Exemplar exemplar) =>
        exemplar.ValueCase != Exemplar.ValueOneofCase.None && exemplar.TraceId.Length is 0 or 16 && exemplar.SpanId.Length is 0 or 8;

    private static bool IsValid(Span span) =>
        span.TraceId.Length == 16 && span.TraceId.Any(one => one != 0)
        && span.SpanId.Length == 8 && span.SpanId.Any(one => one != 0)
        && span.ParentSpanId.Length is 0 or 8
        && span.Links.All(link => link.TraceId.Length is 0 or 16 && link.SpanId.Length is 0 or 8);

    private static IEnumerable<object> ValuesOf(IMessage message, FieldDescriptor field)
    {
        var value = field.Accessor.GetValue(message);
        return field.IsRepeated ? ((IList)value).Cast<object>() : value is null ? [] : [value];
    }

    private static void Remove<T>(IList<T> list, T item)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (ReferenceEquals(list[i], item))
            {
                list.RemoveAt(i);
                return;
            }
        }
    }
}
