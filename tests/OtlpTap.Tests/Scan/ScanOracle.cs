using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Scan;

/// <summary>What a scan must find, worked out on the generated classes: the same rules, once in OTTL and once in C#.</summary>
internal static class ScanOracle
{
    private static readonly (RuleContext Context, string Condition, Func<SpanInPlace, bool> IsTrue)[] Conditions =
    [
        (RuleContext.Span, "span.attributes[\"a\"] == \"x\"", place => Text(place.Span.Attributes, "a") == "x"),
        (RuleContext.Span, "span.attributes[\"b\"] == 1", place => First(place.Span.Attributes, "b") is { ValueCase: AnyValue.ValueOneofCase.IntValue, IntValue: 1 }),
        (RuleContext.Span, "span.attributes[\"c\"] == true", place => First(place.Span.Attributes, "c") is { ValueCase: AnyValue.ValueOneofCase.BoolValue, BoolValue: true }),
        (RuleContext.Span, "span.name == \"x\"", place => place.Span.Name == "x"),
        (RuleContext.SpanEvent, "spanevent.name == \"x\" and spanevent.attributes[\"a\"] == \"x\"", place => place.Span.Events.Any(one => one.Name == "x" && Text(one.Attributes, "a") == "x")),
        (RuleContext.Span, "span.kind == 3", place => place.Span.Kind == Span.Types.SpanKind.Client),
        (RuleContext.Span, "span.status.code == 2", place => place.Span.Status?.Code == Status.Types.StatusCode.Error),
        (RuleContext.Span, "span.status.message == \"x\"", place => place.Span.Status?.Message == "x"),
        (RuleContext.Span, "resource.attributes[\"a\"] == \"x\"", place => Text(place.Resource.Attributes, "a") == "x"),
        (RuleContext.Span, "resource.attributes[\"service.name\"] == \"x\"", place => Text(place.Resource.Attributes, "service.name") == "x"),
        (RuleContext.Span, "instrumentation_scope.name == \"x\"", place => place.Scope.Name == "x"),
        (RuleContext.SpanEvent, "spanevent.name == \"y\"", place => place.Span.Events.Any(one => one.Name == "y")),
        (RuleContext.Log, "log.attributes[\"a\"] == \"x\" or IsMatch(log.body, \"x\") or resource.attributes[\"a\"] == \"x\"", _ => false),
    ];

    public static CompiledRules Rules { get; } = TestRules.Compile([.. Conditions.Select((condition, index) => new Rule($"rule {index}", "oracle", condition.Context, condition.Condition))]);

    /// <summary>All that a scan of the request's bytes must have found.</summary>
    public static Findings Expected(ExportTraceServiceRequest request)
    {
        var spans = SpansOf(request).ToList();
        var traceIds = new List<TraceId>();
        foreach (var place in spans)
        {
            if (TraceId.TryRead(place.Span.TraceId.Span, out var id) && !id.IsZero && (traceIds.Count == 0 || traceIds[^1] != id))
            {
                traceIds.Add(id);
            }
        }

        return new(spans.Count, traceIds, [.. spans.Select(Expected).OfType<string>()]);
    }

    /// <summary>The same from a scan.</summary>
    public static Findings Actual(ReadOnlySpan<byte> request, ScanResult scan)
    {
        var matches = new List<string>();
        foreach (ref readonly var match in scan.Matches)
        {
            var service = System.Text.Encoding.UTF8.GetString(request.Slice(match.ServiceNameOffset, match.ServiceNameLength));
            var span = Span.Parser.ParseFrom(request.Slice(match.SpanOffset, match.SpanLength));
            Assert.Equal(match.SpanId, Id(span));
            matches.Add(Line(match.TraceId, match.SpanId, service, match.AlreadyTagged, scan.RulesOf(in match).ToArray()));
        }

        return new(scan.ItemCount, [.. scan.TraceIds], matches);
    }

    public static IEnumerable<SpanInPlace> SpansOf(ExportTraceServiceRequest request) =>
        from resource in request.ResourceSpans
        from scope in resource.ScopeSpans
        from span in scope.Spans
        select new SpanInPlace(resource.Resource ?? new(), scope.Scope ?? new(), span);

    private static string? Expected(SpanInPlace place)
    {
        var hits = Enumerable.Range(0, Conditions.Length).Where(index => Conditions[index].IsTrue(place)).Select(index => (ushort)index).ToArray();
        var tagged = First(place.Span.Attributes, "otlptap.failure") is not null;
        _ = TraceId.TryRead(place.Span.TraceId.Span, out var traceId);
        return hits.Length == 0 && !tagged ? null : Line(traceId, Id(place.Span), Text(place.Resource.Attributes, "service.name") ?? "", tagged, hits);
    }

    private static SpanId Id(Span span) => SpanId.TryRead(span.SpanId.Span, out var id) ? id : default;

    private static string Line(TraceId trace, SpanId span, string service, bool alreadyTagged, ushort[] rules) =>
        $"{trace} {span} {service} {(alreadyTagged ? "tagged" : "")} [{string.Join(' ', rules)}]";

    private static AnyValue? First(IEnumerable<KeyValue> attributes, string key) =>
        attributes.FirstOrDefault(attribute => attribute.Key == key) is { } found ? found.Value ?? new() : null;

    private static string? Text(IEnumerable<KeyValue> attributes, string key) =>
        First(attributes, key) is { ValueCase: AnyValue.ValueOneofCase.StringValue } value ? value.StringValue : null;

    internal sealed record SpanInPlace(Resource Resource, InstrumentationScope Scope, Span Span);

    internal sealed record Findings(int Items, List<TraceId> TraceIds, List<string> Matches)
    {
        public static void AssertEqual(Findings expected, Findings actual)
        {
            Assert.Equal(expected.Matches, actual.Matches);
            Assert.Equal(expected.TraceIds, actual.TraceIds);
            Assert.Equal(expected.Items, actual.Items);
        }
    }
}
