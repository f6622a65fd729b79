using System.IO.Hashing;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Collections;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Otlp;
using static OtlpTap.Otlp.TapTelemetryForm;
using OtlpSpan = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Advice;

/// <summary>
/// A change of advice as OTLP. The life of one piece of advice is a trace of its own: it can be looked at while the advice
/// is given, and whole once it is withdrawn.
/// <code>
///   span  otlptap.advice.raised       root, an instant                     otlptap.advice*, gen_ai.* of the scope
///   span  otlptap.advice.withdrawn    its child, from raised to withdrawn  the same
///   log   otlptap.advice.raised | otlptap.advice.withdrawn in the context of that span, the reason as its body
///   both  resource service.name of the scope, scope otlptap
/// </code>
/// </summary>
/// <param name="version">Of the tap, for the scope.</param>
internal sealed class AdviceTelemetry(string version)
{
    public const string Raised = "otlptap.advice.raised";
    public const string Withdrawn = "otlptap.advice.withdrawn";

    private readonly TapTelemetryForm _form = new(version);

    /// <summary>A serialized <c>ExportTraceServiceRequest</c> with one span.</summary>
    public byte[] Span(AdviceChange change)
    {
        var (traceId, root, spanId) = Ids(change);
        var span = new OtlpSpan
        {
            TraceId = traceId,
            SpanId = spanId,
            Name = NameOf(change),
            Kind = OtlpSpan.Types.SpanKind.Internal,
            StartTimeUnixNano = UnixTime.Of(change.Item.Since),
            EndTimeUnixNano = UnixTime.Of(change.At),
        };
        if (change.Kind == AdviceChangeKind.Withdrawn)
        {
            span.ParentSpanId = root;
        }

        AddAttributes(span.Attributes, change);
        return _form.Request(change.Item.Scope.Service, span);
    }

    /// <summary>A serialized <c>ExportLogsServiceRequest</c> with one record.</summary>
    public byte[] Log(AdviceChange change)
    {
        var (traceId, _, spanId) = Ids(change);
        var isRaised = change.Kind == AdviceChangeKind.Raised;
        var record = new LogRecord
        {
            TimeUnixNano = UnixTime.Of(change.At),
            ObservedTimeUnixNano = UnixTime.Of(change.At),
            EventName = NameOf(change),
            SeverityNumber = isRaised ? SeverityNumber.Warn : SeverityNumber.Info,
            SeverityText = isRaised ? "WARN" : "INFO",
            Body = new AnyValue { StringValue = isRaised ? $"{change.Item.Advice}: {change.Item.Reason}" : $"{change.Item.Advice} withdrawn: {change.Why}" },
            TraceId = traceId,
            SpanId = spanId,
        };
        AddAttributes(record.Attributes, change);
        return _form.Request(change.Item.Scope.Service, record);
    }

    private static string NameOf(AdviceChange change) => change.Kind == AdviceChangeKind.Raised ? Raised : Withdrawn;

    private static void AddAttributes(RepeatedField<KeyValue> attributes, AdviceChange change)
    {
        var item = change.Item;
        AddText(attributes, "otlptap.advice", item.Advice);
        AddText(attributes, "otlptap.advice.id", item.Id);
        AddText(attributes, "otlptap.advice.policy", item.Policy);
        AddText(attributes, "otlptap.advice.reason", item.Reason);
        AddText(attributes, "gen_ai.agent.name", item.Scope.Agent);
        AddText(attributes, "gen_ai.tool.name", item.Scope.Tool);
        AddText(attributes, "gen_ai.request.model", item.Scope.Model);
        if (change.Kind == AdviceChangeKind.Withdrawn)
        {
            AddText(attributes, "otlptap.advice.withdrawn.reason", change.Why);
        }

        foreach (var (name, value) in item.Parameters)
        {
            AddText(attributes, $"otlptap.advice.parameter.{name}", value);
        }

        foreach (var (name, number) in item.Values)
        {
            attributes.Add(Number($"otlptap.advice.value.{name}", number));
        }
    }

    // The same for a raising and its withdrawal, without a memory of it.
    private static (ByteString TraceId, ByteString Root, ByteString Span) Ids(AdviceChange change)
    {
        var life = XxHash128.Hash(Encoding.UTF8.GetBytes($"{change.Item.Id}\n{change.Item.Since.UtcTicks}"));
        var traceId = ByteString.CopyFrom(life);
        var root = ByteString.CopyFrom(life.AsSpan(0, SpanId.Length));
        return (traceId, root, change.Kind == AdviceChangeKind.Raised ? root : ByteString.CopyFrom(life.AsSpan(SpanId.Length)));
    }
}
