using Google.Protobuf;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;
using static OtlpTap.Otlp.TapTelemetryForm;

namespace OtlpTap.Announce;

/// <summary>
/// What a person said, as a log record in the context of what it was said of.
/// <code>
///   gen_ai.evaluation.name | score.value | score.label | explanation    OpenTelemetry semantic conventions, gen-ai events
///   gen_ai.evaluation.source = human, min_value, max_value              the scale, as evaluators that follow them add it
///   otlptap.feedback.value = negative | neutral | positive, otlptap.feedback.id, user.hash | user.id
/// </code>
/// </summary>
internal sealed partial class VerdictTelemetry
{
    // As long as a comment may be.
    private const int CommentCharactersMax = 4096;

    private static readonly string[] OpinionValues = ["negative", "neutral", "positive"];

    /// <summary>A serialized <c>ExportLogsServiceRequest</c> with one record.</summary>
    public byte[] Log(Opinion opinion, DateTimeOffset now)
    {
        var isNegative = opinion.Value == OpinionValue.Negative;
        var context = opinion.SpanId.IsZero ? opinion.Judged?.SpanId ?? default : opinion.SpanId;
        var record = new LogRecord
        {
            TimeUnixNano = UnixTime.Of(now),
            ObservedTimeUnixNano = UnixTime.Of(now),
            EventName = EvaluationEvent,
            SeverityNumber = isNegative ? SeverityNumber.Warn : SeverityNumber.Info,
            SeverityText = isNegative ? "WARN" : "INFO",
            Body = Line(opinion),
            TraceId = Bytes(opinion.TraceId),
            SpanId = context.IsZero ? ByteString.Empty : Bytes(context),
        };
        var value = OpinionValues[(int)opinion.Value];
        var attributes = record.Attributes;
        attributes.Add(Text("gen_ai.evaluation.name", Cut(opinion.Name, NameCharactersMax)));
        attributes.Add(Text("gen_ai.evaluation.score.label", Cut(opinion.Label is { Length: > 0 } label ? label : value, NameCharactersMax)));
        AddNumber("gen_ai.evaluation.score.value", opinion.Score);
        AddNumber("gen_ai.evaluation.min_value", opinion.Min);
        AddNumber("gen_ai.evaluation.max_value", opinion.Max);
        AddText(attributes, "gen_ai.evaluation.explanation", opinion.Comment, CommentCharactersMax);
        attributes.Add(Text("gen_ai.evaluation.source", "human"));
        AddText(attributes, "gen_ai.response.id", opinion.Judged?.ResponseId, NameCharactersMax);
        AddText(attributes, "gen_ai.agent.name", opinion.Judged?.Agent, NameCharactersMax);
        attributes.Add(Text("otlptap.feedback.value", value));
        AddText(attributes, "otlptap.feedback.id", opinion.Id, NameCharactersMax);
        if (opinion.User is var (key, user))
        {
            attributes.Add(Text(key, Cut(user, NameCharactersMax)));
        }

        // By which another tap knows that it was judged here.
        attributes.Add(Text("otlptap.verdict.source", VerdictSource.Feedback));
        return _form.Request(ServiceOf(opinion.Judged), record);

        void AddNumber(string name, double? number)
        {
            if (number is { } finite && double.IsFinite(finite))
            {
                attributes.Add(Number(name, finite));
            }
        }
    }
}
