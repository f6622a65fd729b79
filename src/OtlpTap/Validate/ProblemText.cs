using System.Globalization;
using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Validate;

/// <summary>
/// Says what was found in words, for the sender's log: the first few with their places, and never more than so many
/// characters. The places are found by a second walk down to the field, such as
/// <c>resource_spans[0].scope_spans[0].spans[3]: trace_id has 15 bytes</c>.
/// </summary>
internal static class ProblemText
{
    /// <summary>Enough to see whether it is one kind of mistake; SDKs write all of it to their logs.</summary>
    public const int DescribedMax = 5;

    /// <summary>Of one place with its problem. Keys are not in it, so that only hostile nesting comes there.</summary>
    private const int LineLengthMax = 300;

    /// <summary><c>partial_success</c> for the sender. Rejected 0 with a message is a warning.</summary>
    public static PartialSuccess Describe(Findings findings, ReadOnlySpan<byte> request, int received)
    {
        var text = new StringBuilder();
        if (findings.Problems.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{findings.Rejected} of {received} {NounOf(findings.Signal)} rejected: ");
            AppendLines(text, findings.Signal, request, findings.Problems);
            if (findings.Rejected > findings.Problems.Count)
            {
                text.Append("; ...");
            }
        }

        if (findings.Repaired > 0)
        {
            text.Append(text.Length > 0 ? "; " : "").Append(CultureInfo.InvariantCulture, $"{findings.Repaired} {(findings.Repaired == 1 ? "value" : "values")} repaired: ");
            AppendLines(text, findings.Signal, request, FirstRepairs(findings));
            text.Append(findings.Repaired > DescribedMax ? "; ..." : "");
        }

        return new PartialSuccess(findings.Rejected, text.ToString());
    }

    private static List<Problem> FirstRepairs(Findings findings)
    {
        var repairs = new List<Problem>();
        foreach (ref readonly var edit in findings.Edits)
        {
            if (edit.IsRepair)
            {
                repairs.Add(new Problem(edit.Reason, edit.Start));
            }

            if (repairs.Count == DescribedMax)
            {
                break;
            }
        }

        return repairs;
    }

    private static void AppendLines(StringBuilder text, Signal signal, ReadOnlySpan<byte> request, IReadOnlyList<Problem> problems)
    {
        for (var i = 0; i < problems.Count; i++)
        {
            var line = Line(signal, request, problems[i]);
            text.Append(i > 0 ? "; " : "").Append(line.Length > LineLengthMax ? string.Concat(line.AsSpan(0, LineLengthMax), "...") : line);
        }
    }

    private static string Line(Signal signal, ReadOnlySpan<byte> request, Problem problem)
    {
        var (place, field) = (new StringBuilder(), new StringBuilder());
        var length = Descend(OtlpJsonSchema.RequestOf(signal), request, 0, request.Length, problem.Offset, place, field, level: 1, isMetric: signal == Signal.Metrics);
        return $"{place}: {Cause(problem, field.ToString(), length)}";
    }

    private static string Cause(Problem problem, string field, int length) => problem.Reason switch
    {
        InvalidReason.Text => $"{field} is not UTF-8",
        InvalidReason.MetricName => "the metric has no name",
        InvalidReason.Temporality => "aggregation_temporality is unspecified",
        InvalidReason.NoValue => "the data point has no value",
        InvalidReason.Buckets => string.Create(CultureInfo.InvariantCulture, $"{problem.First} bucket_counts do not fit {problem.Second} explicit_bounds"),
        InvalidReason.TooDeep => string.Create(CultureInfo.InvariantCulture, $"messages are nested more than {ValidityWalk.DepthMax} levels deep"),
        InvalidReason.Malformed => $"{field} is malformed",
        InvalidReason.TraceId when field.Length == 0 => "trace_id is missing",
        InvalidReason.SpanId when field.Length == 0 => "span_id is missing",
        InvalidReason.Exemplar or InvalidReason.Link when !field.EndsWith("_id", StringComparison.Ordinal) => $"{field} is invalid",
        InvalidReason.TraceId when length == TraceId.Length => $"{field} is all zeros",
        InvalidReason.SpanId when length == SpanId.Length => $"{field} is all zeros",
        _ => string.Create(CultureInfo.InvariantCulture, $"{field} has {length} bytes"),
    };

    /// <summary>
    /// Down to the field at <paramref name="target"/>; the steps to the unit go to <paramref name="place"/>, those within
    /// it to <paramref name="field"/>. Answers the length of its value.
    /// </summary>
    private static int Descend(
        OtlpJsonMessage message, ReadOnlySpan<byte> request, int start, int end, int target, StringBuilder place, StringBuilder field, int level, bool isMetric)
    {
        Span<int> seen = stackalloc int[OtlpJsonMessage.FieldCountMax];
        seen.Clear();
        var reader = new ProtoReader(request, start, end);
        while (reader.Next())
        {
            var index = message.IndexOf(reader.FieldNumber);
            if (index < 0 || !message.Fields[index].Accepts(reader.WireType))
            {
                continue;
            }

            if (target < reader.ValueEnd)
            {
                var known = message.Fields[index];
                var isStep = field.Length == 0 && IsStep(level, reader.FieldNumber, isMetric);
                Append(isStep ? place : field, known, seen[index]);
                return target == reader.FieldOffset || known.Type != OtlpJsonType.Message
                    ? reader.ValueLength
                    : Descend(known.Child, request, reader.ValueOffset, reader.ValueEnd, target, place, field, level + 1, isMetric);
            }

            seen[index]++;
        }

        return 0;
    }

    /// <summary>Whether the field leads to a unit: resources, scopes, items and, of metrics, their data and data points.</summary>
    private static bool IsStep(int level, int number, bool isMetric) => level switch
    {
        1 => number == OtlpFields.TraceRequest.ResourceSpans,
        2 => number == OtlpFields.ResourceSpans.ScopeSpans,
        3 => number == OtlpFields.ScopeSpans.Spans,
        4 => isMetric && number is OtlpFields.Metric.Gauge or OtlpFields.Metric.Sum or OtlpFields.Metric.Histogram
            or OtlpFields.Metric.ExponentialHistogram or OtlpFields.Metric.Summary,
        5 => isMetric && number == OtlpFields.MetricData.DataPoints,
        _ => false,
    };

    private static void Append(StringBuilder path, OtlpJsonField field, int index)
    {
        path.Append(path.Length == 0 ? "" : ".");
        foreach (var letter in field.Name.Value)
        {
            // The names of the specification; the table has those of its JSON form.
            path.Append(char.IsAsciiLetterUpper(letter) ? "_" : "").Append(char.ToLowerInvariant(letter));
        }

        if (field.IsRepeated)
        {
            path.Append(CultureInfo.InvariantCulture, $"[{index}]");
        }
    }

    private static string NounOf(Signal signal) => signal switch
    {
        Signal.Traces => "spans",
        Signal.Logs => "log records",
        _ => "data points",
    };
}
