using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Collections;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;
using static OtlpTap.Otlp.TapTelemetryForm;
using OtlpSpan = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Announce;

/// <summary>
/// A verdict as OTLP, each time a request of its own.
/// <code>
///   span  otlptap.verdict, child of the judged span      otlptap.failure | otlptap.mark, otlptap.rules, otlptap.verdict.*
///   log   gen_ai.evaluation.result in its context        gen_ai.evaluation.*   (OpenTelemetry semantic conventions, gen-ai events)
///   both  resource service.name of the judged span, scope otlptap
/// </code>
/// </summary>
/// <param name="version">Of the tap, for the scope.</param>
internal sealed partial class VerdictTelemetry(string version)
{
    public const string EvaluationEvent = "gen_ai.evaluation.result";

    // What tells most about an answer that is wrong stands in its first lines; whole texts are in the case.
    private const int TextCharactersMax = 1024;
    private const int EvidenceCountMax = 8;
    private const int EvidenceCharactersMax = 256;
    private const int NameCharactersMax = 128;

    private readonly TapTelemetryForm _form = new(version);

    /// <summary>A serialized <c>ExportTraceServiceRequest</c> with one span.</summary>
    public byte[] Span(in TraceId traceId, in Verdict verdict, DateTimeOffset now)
    {
        var parent = Context(verdict);
        var at = SpanTime(verdict, now);
        var span = new OtlpSpan
        {
            TraceId = Bytes(traceId),
            SpanId = Bytes(IdOf(traceId, verdict)),
            Name = TapTelemetry.VerdictSpanName,
            Kind = OtlpSpan.Types.SpanKind.Internal,
            StartTimeUnixNano = at,
            EndTimeUnixNano = at,
        };
        if (!parent.IsZero)
        {
            span.ParentSpanId = Bytes(parent);
        }

        span.Attributes.Add(Text(FailureKind.IsMark(verdict.Failure) ? "otlptap.mark" : "otlptap.failure", Cut(verdict.Failure, NameCharactersMax)));
        span.Attributes.Add(Texts("otlptap.rules", [Cut(verdict.Rule, NameCharactersMax)]));
        span.Attributes.Add(Text("otlptap.verdict.source", verdict.Source));
        if (Score(verdict) is { } score)
        {
            span.Attributes.Add(Number("otlptap.verdict.score", score));
        }

        AddText(span.Attributes, "otlptap.verdict.label", verdict.Label, NameCharactersMax);
        AddText(span.Attributes, "otlptap.verdict.explanation", verdict.Explanation, TextCharactersMax);
        if (verdict.Evidence is { Count: > 0 } evidence)
        {
            span.Attributes.Add(Texts("otlptap.verdict.evidence", evidence.Take(EvidenceCountMax).Select(text => Cut(text, EvidenceCharactersMax))));
        }

        if (!verdict.Origin.IsZero)
        {
            span.Attributes.Add(Text("otlptap.failure.origin", verdict.Origin.ToString()));
            span.Links.Add(new OtlpSpan.Types.Link { TraceId = Bytes(traceId), SpanId = Bytes(verdict.Origin) });
        }

        return _form.Request(ServiceOf(verdict.Judged), span);
    }

    /// <summary>A serialized <c>ExportLogsServiceRequest</c> with one record.</summary>
    public byte[] Log(in TraceId traceId, in Verdict verdict, DateTimeOffset now)
    {
        var context = Context(verdict);
        var isFailure = !FailureKind.IsMark(verdict.Failure);
        var record = new LogRecord
        {
            TimeUnixNano = UnixTime.Of(now),
            ObservedTimeUnixNano = UnixTime.Of(now),
            EventName = EvaluationEvent,
            SeverityNumber = isFailure ? SeverityNumber.Warn : SeverityNumber.Info,
            SeverityText = isFailure ? "WARN" : "INFO",
            Body = Line(verdict),
            TraceId = Bytes(traceId),
        };
        if (!context.IsZero)
        {
            record.SpanId = Bytes(context);
        }

        record.Attributes.Add(Text("gen_ai.evaluation.name", Cut(verdict.Rule, NameCharactersMax)));
        record.Attributes.Add(Text("gen_ai.evaluation.score.label", Cut(verdict.Label is { Length: > 0 } label ? label : verdict.Failure, NameCharactersMax)));
        if (Score(verdict) is { } score)
        {
            record.Attributes.Add(Number("gen_ai.evaluation.score.value", score));
        }

        AddText(record.Attributes, "gen_ai.evaluation.explanation", verdict.Explanation, TextCharactersMax);
        AddText(record.Attributes, "gen_ai.response.id", verdict.Judged?.ResponseId, NameCharactersMax);
        record.Attributes.Add(Text(isFailure ? "otlptap.failure" : "otlptap.mark", Cut(verdict.Failure, NameCharactersMax)));
        record.Attributes.Add(Text("otlptap.verdict.source", verdict.Source));
        return _form.Request(ServiceOf(verdict.Judged), record);
    }

    /// <summary>The same for the same finding, so that one that is told again takes the place of the first.</summary>
    public static SpanId IdOf(in TraceId traceId, in Verdict verdict)
    {
        var hash = new XxHash3();
        Span<byte> ids = stackalloc byte[TraceId.Length + SpanId.Length];
        traceId.WriteTo(ids);
        verdict.SpanId.WriteTo(ids[TraceId.Length..]);
        hash.Append(ids);
        hash.Append(Encoding.UTF8.GetBytes($"{verdict.Failure}\0{verdict.Rule}\0{verdict.Source}"));
        var value = hash.GetCurrentHashAsUInt64();
        return new SpanId(value == 0 ? 1 : value);
    }

    private static SpanId Context(in Verdict verdict) => verdict.SpanId.IsZero ? verdict.Judged?.SpanId ?? default : verdict.SpanId;

    // Where the judged span ends: a verdict of an hour later would stretch the trace to an hour in every view of it.
    private static ulong SpanTime(in Verdict verdict, DateTimeOffset now) => verdict.Judged is { EndUnixNano: > 0 and var end } && end <= UnixTime.Of(now) ? end : UnixTime.Of(now);

    private static double? Score(in Verdict verdict) => verdict.Score is { } score && double.IsFinite(score) ? score : null;

    private static string ServiceOf(JudgedSpan? span) => Cut(span?.Service ?? "", TextCharactersMax);

    private static void AddText(RepeatedField<KeyValue> attributes, string key, string? text, int charactersMax) =>
        TapTelemetryForm.AddText(attributes, key, Cut(text ?? "", charactersMax));

    private static KeyValue Texts(string key, IEnumerable<string> texts) =>
        new() { Key = key, Value = new AnyValue { ArrayValue = new ArrayValue { Values = { texts.Select(text => new AnyValue { StringValue = text }) } } } };

    // Half a surrogate pair is no text, wherever it comes from: protobuf's strings are UTF-8.
    private static string Cut(string text, int charactersMax)
    {
        var cut = TextCut.Cut(text, charactersMax, "…");
        return IsWellFormed(cut) ? cut : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(cut));
    }

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]))
            {
                if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
                {
                    return false;
                }

                i++;
            }
        }

        return true;
    }

    private static ByteString Bytes(in TraceId id)
    {
        Span<byte> bytes = stackalloc byte[TraceId.Length];
        id.WriteTo(bytes);
        return ByteString.CopyFrom(bytes);
    }

    private static ByteString Bytes(SpanId id)
    {
        Span<byte> bytes = stackalloc byte[SpanId.Length];
        id.WriteTo(bytes);
        return ByteString.CopyFrom(bytes);
    }
}
