using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Validate;

/// <summary>
/// Metrics, whose items are their data points.
/// <code>
///   Metric     name = 1, one of: gauge = 5, sum = 7, histogram = 9, exponential_histogram = 10, summary = 11
///   the data   data_points = 1 *, aggregation_temporality = 2 (neither gauge nor summary)
///   points     number: as_double = 4, exemplars = 5 *, as_int = 6, flags = 8
///              histogram: bucket_counts = 6 *, explicit_bounds = 7 *, exemplars = 8 *
///              exponential histogram: exemplars = 11 *
///   Exemplar   as_double = 3, span_id = 4, trace_id = 5, as_int = 6
/// </code>
/// Another kind of data replaces what came before, the same kind again adds to it.
/// A metric without data has no item: it stays.
/// </summary>
internal ref partial struct ValidityWalk
{
    /// <summary><c>DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK</c>.</summary>
    private const ulong NoRecordedValue = 1;

    private const int PointDepth = ItemDepth + 2;
    private const int ExemplarDepth = ItemDepth + 3;
    private const uint MetricName = ((uint)OtlpFields.Metric.Name << 3) | Message;
    private const uint Gauge = ((uint)OtlpFields.Metric.Gauge << 3) | Message;
    private const uint Sum = ((uint)OtlpFields.Metric.Sum << 3) | Message;
    private const uint Histogram = ((uint)OtlpFields.Metric.Histogram << 3) | Message;
    private const uint ExponentialHistogram = ((uint)OtlpFields.Metric.ExponentialHistogram << 3) | Message;
    private const uint Summary = ((uint)OtlpFields.Metric.Summary << 3) | Message;
    private const uint DataPoints = ((uint)OtlpFields.MetricData.DataPoints << 3) | Message;
    private const uint Temporality = ((uint)OtlpFields.AggregatedData.AggregationTemporality << 3) | (uint)WireType.Varint;
    private const uint NumberExemplars = ((uint)OtlpFields.NumberDataPoint.Exemplars << 3) | Message;
    private const uint NumberAsDouble = ((uint)OtlpFields.NumberDataPoint.AsDouble << 3) | (uint)WireType.Fixed64;
    private const uint NumberAsInt = ((uint)OtlpFields.NumberDataPoint.AsInt << 3) | (uint)WireType.Fixed64;
    private const uint NumberFlags = ((uint)OtlpFields.NumberDataPoint.Flags << 3) | (uint)WireType.Varint;
    private const uint HistogramCounts = ((uint)OtlpFields.HistogramDataPoint.BucketCounts << 3) | Message;
    private const uint HistogramCount = ((uint)OtlpFields.HistogramDataPoint.BucketCounts << 3) | (uint)WireType.Fixed64;
    private const uint HistogramBounds = ((uint)OtlpFields.HistogramDataPoint.ExplicitBounds << 3) | Message;
    private const uint HistogramBound = ((uint)OtlpFields.HistogramDataPoint.ExplicitBounds << 3) | (uint)WireType.Fixed64;
    private const uint HistogramExemplars = ((uint)OtlpFields.HistogramDataPoint.Exemplars << 3) | Message;
    private const uint ExponentialExemplars = ((uint)OtlpFields.ExponentialHistogramDataPoint.Exemplars << 3) | Message;
    private const uint ExemplarAsDouble = ((uint)OtlpFields.Exemplar.AsDouble << 3) | (uint)WireType.Fixed64;
    private const uint ExemplarAsInt = ((uint)OtlpFields.Exemplar.AsInt << 3) | (uint)WireType.Fixed64;
    private const uint ExemplarSpanId = ((uint)OtlpFields.Exemplar.SpanId << 3) | Message;
    private const uint ExemplarTraceId = ((uint)OtlpFields.Exemplar.TraceId << 3) | Message;

    /// <summary>False where it is left out.</summary>
    private bool CheckMetric(Field metric)
    {
        var mark = Mark();
        var survey = SurveyOf(metric);
        if (!CheckMetricAlone(metric, in survey))
        {
            Reject(metric, mark, survey.Points);
            return false;
        }

        var (kept, gone) = (0, 0);
        var reader = Open(metric);
        while (reader.Next())
        {
            var data = new Field(reader, metric.ValueOffset);
            if (!IsData(data.Tag))
            {
                continue;
            }

            var points = Open(data);
            while (points.Next())
            {
                if (points.Tag == DataPoints)
                {
                    // What was replaced is no item, but a parser reads it all the same.
                    var isItem = data.Offset >= survey.From;
                    var isKept = CheckPoint(data.Tag, new Field(points, data.ValueOffset), isItem);
                    kept += isItem && isKept ? 1 : 0;
                    gone += isItem && !isKept ? 1 : 0;
                }
            }
        }

        if (kept > 0 || gone == 0)
        {
            return true;
        }

        LeaveOut(metric, mark);
        return false;
    }

    /// <summary>All of it but its points.</summary>
    private bool CheckMetricAlone(Field metric, in MetricSurvey survey)
    {
        if (survey.Points > 0 && survey.Name.Length == 0)
        {
            return Fail(InvalidReason.MetricName, metric.Offset);
        }

        if (survey.Points > 0 && survey.Kind is Sum or Histogram or ExponentialHistogram && survey.Temporality == 0)
        {
            return Fail(InvalidReason.Temporality, metric.Offset);
        }

        var reader = Open(metric);
        while (reader.Next())
        {
            // What data holds beside its points are numbers.
            if (!IsData(reader.Tag) && !CheckField(_itemShape, new Field(reader, metric.ValueOffset), ItemDepth))
            {
                return false;
            }
        }

        return true;
    }

    private bool CheckPoint(uint kind, Field point, bool isItem)
    {
        var mark = Mark();
        var shape = ChildOf(ChildOf(_itemShape, (int)(kind >> 3)), OtlpFields.MetricData.DataPoints);
        var isValid = kind switch
        {
            Gauge or Sum => CheckNumberPoint(shape, point),
            Histogram => CheckHistogramPoint(shape, point),
            ExponentialHistogram => CheckPointWithExemplars(shape, point, ExponentialExemplars),
            _ => CheckMessage(shape, point, PointDepth),
        };
        if (!isValid)
        {
            Reject(point, mark, isItem ? 1 : 0);
        }

        return isValid;
    }

    private bool CheckNumberPoint(OtlpJsonMessage shape, Field point)
    {
        var hasValue = false;
        ulong flags = 0;
        var reader = Open(point);
        while (reader.Next())
        {
            hasValue |= reader.Tag is NumberAsDouble or NumberAsInt;
            flags = reader.Tag == NumberFlags ? reader.Varint : flags;
        }

        return CheckPointWithExemplars(shape, point, NumberExemplars)
            && (hasValue || (flags & NoRecordedValue) != 0 || Fail(InvalidReason.NoValue, point.Offset));
    }

    private bool CheckHistogramPoint(OtlpJsonMessage shape, Field point)
    {
        var (counts, bounds) = (0, 0);
        var reader = Open(point);
        while (reader.Next())
        {
            counts += reader.Tag switch { HistogramCounts => reader.ValueLength / sizeof(ulong), HistogramCount => 1, _ => 0 };
            bounds += reader.Tag switch { HistogramBounds => reader.ValueLength / sizeof(double), HistogramBound => 1, _ => 0 };
        }

        if (!CheckPointWithExemplars(shape, point, HistogramExemplars))
        {
            return false;
        }

        if (counts == bounds + 1 || (counts | bounds) == 0)
        {
            return true;
        }

        _problem = new Problem(InvalidReason.Buckets, point.Offset, counts, bounds);
        return false;
    }

    private bool CheckPointWithExemplars(OtlpJsonMessage shape, Field point, uint exemplars)
    {
        var reader = Open(point);
        while (reader.Next())
        {
            var field = new Field(reader, point.ValueOffset);
            if (!(field.Tag == exemplars ? CheckOrLeaveOutExemplar(shape, field) : CheckField(shape, field, PointDepth)))
            {
                return false;
            }
        }

        return !reader.IsMalformed || Fail(InvalidReason.Malformed, point.Offset);
    }

    private bool CheckOrLeaveOutExemplar(OtlpJsonMessage pointShape, Field exemplar)
    {
        var mark = Mark();
        if (CheckExemplar(ChildOf(pointShape, (int)(exemplar.Tag >> 3)), exemplar))
        {
            return true;
        }

        if (!_mends)
        {
            return false;
        }

        _findings?.ReturnTo(mark);
        Repair(new Edit(exemplar.Offset, exemplar.End, EditKind.Cut, (ulong)exemplar.Parent, InvalidReason.Exemplar, IsRepair: true));
        return true;
    }

    private bool CheckExemplar(OtlpJsonMessage shape, Field exemplar)
    {
        Field traceId = default, spanId = default;
        var hasValue = false;
        var reader = Open(exemplar);
        while (reader.Next())
        {
            var field = new Field(reader, exemplar.ValueOffset);
            switch (field.Tag)
            {
                case ExemplarTraceId:
                    traceId = field;
                    break;

                case ExemplarSpanId:
                    spanId = field;
                    break;

                case ExemplarAsDouble or ExemplarAsInt:
                    hasValue = true;
                    break;

                default:
                    if (!CheckField(shape, field, ExemplarDepth))
                    {
                        return false;
                    }

                    break;
            }
        }

        if (reader.IsMalformed)
        {
            return Fail(InvalidReason.Malformed, exemplar.Offset);
        }

        return (hasValue || Fail(InvalidReason.Exemplar, exemplar.Offset))
            && CheckOptionalId(traceId, TraceId.Length, exemplar, InvalidReason.Exemplar)
            && CheckOptionalId(spanId, SpanId.Length, exemplar, InvalidReason.Exemplar);
    }

    /// <summary>What a metric is called, which kind of data counts, from where on, and how many points that has.</summary>
    private readonly MetricSurvey SurveyOf(Field metric)
    {
        var survey = default(MetricSurvey);
        var reader = Open(metric);
        while (reader.Next())
        {
            if (reader.Tag == MetricName)
            {
                survey.Name = new Field(reader, metric.ValueOffset);
            }

            if (!IsData(reader.Tag))
            {
                continue;
            }

            if (reader.Tag != survey.Kind)
            {
                survey = new MetricSurvey { Name = survey.Name, Kind = reader.Tag, From = reader.FieldOffset };
            }

            var data = Open(new Field(reader, metric.ValueOffset));
            while (data.Next())
            {
                survey.Points += data.Tag == DataPoints ? 1 : 0;
                survey.Temporality = data.Tag == Temporality ? (int)data.Varint : survey.Temporality;
            }
        }

        return survey;
    }

    private static bool IsData(uint tag) => tag is Gauge or Sum or Histogram or ExponentialHistogram or Summary;

    private struct MetricSurvey
    {
        public Field Name;
        public uint Kind;
        public int From;
        public int Points;
        public int Temporality;
    }
}
