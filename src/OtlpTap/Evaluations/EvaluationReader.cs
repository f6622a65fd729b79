using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Spans;
using OtlpTap.Wire;

namespace OtlpTap.Evaluations;

/// <summary>
/// What evaluations can refer to (response ids, sessions), and the evaluations: of spans what a <see cref="SpanWalk"/> comes to,
/// of log records one pass over a request's bytes. An item without one costs a look at each of its keys; values are skipped,
/// however long, and nothing is allocated.
/// <para>
/// Whom a result speaks of, by form: an inline one of its own span; one on an evaluator's span of the only span it links to
/// (OpenInference), else of its parent (Langfuse, MLflow); an annotation (Logfire) of its parent; a guard's of the guard; a
/// log record's of its trace context or of the response or session it names.
/// </para>
/// </summary>
internal sealed class EvaluationReader
{
    private static readonly SpanPlaces Referring = new([.. SpanKeys.Responses, .. SpanKeys.Sessions]);

    private readonly CustomMetricNames _custom;
    private readonly SpanPlaces _telling;
    private readonly SpanPlaces _certain;

    public EvaluationReader(EvaluationOptions options)
    {
        _custom = new CustomMetricNames(options);
        int[] certain = [.. SpanKeys.GuardResults, .. _custom.Places];
        _certain = new SpanPlaces(certain);
        _telling = new SpanPlaces([.. certain, .. SpanKeys.EventNames, .. SpanKeys.EvaluatorKinds]);
        Watched = new WatchedKeys(EvaluationKeys.Starts, _custom.Names);
    }

    /// <summary>What a walk over spans is to watch for.</summary>
    public WatchedKeys Watched { get; }

    /// <summary>Adds what is found to <paramref name="findings"/>. Malformed bytes end the reading; what came before is kept.</summary>
    public void Read(Signal signal, ReadOnlySpan<byte> request, EvaluationFindings findings)
    {
        if (signal == Signal.Traces)
        {
            new SpanWalk([new Walked(this, findings)]).Read(request, Watched);
            return;
        }

        var resources = new ProtoReader(request);
        while (resources.Next())
        {
            if (resources is { FieldNumber: OtlpFields.LogsRequest.ResourceLogs, WireType: WireType.LengthDelimited })
            {
                ReadLogs(request, resources.ValueOffset, resources.ValueEnd, findings);
            }
        }
    }

    /// <summary>Adds what a walk has come to.</summary>
    public void ReadSpan(in SpanView span, EvaluationFindings findings)
    {
        if (span.IsMalformed || span.SpanId.IsZero)
        {
            return;
        }

        // A span that evaluates may name the response it speaks of, and belongs to a session without being its answer.
        var isEvaluation = span.IsWatched || (span.Frame.HasAny(_telling) && TellsEvaluation(span));
        if (isEvaluation && ReadSpanEvaluations(span.Bytes, HeadOf(span), findings))
        {
            return;
        }

        if (span.Frame.HasAny(Referring))
        {
            AddReferences(span, findings);
        }
    }

    private static ItemHead HeadOf(in SpanView span) => new()
    {
        TraceId = span.TraceId,
        SpanId = span.SpanId,
        ParentId = span.ParentId,
        StartUnixNano = span.StartUnixNano,
        Response = MarkOf(span, SpanKeys.Responses),
        Session = MarkOf(span, SpanKeys.Sessions),
        IsModelCall = IsModelCall(span),
    };

    private static void AddReferences(in SpanView span, EvaluationFindings findings)
    {
        var reference = new SpanReference(span.TraceId, span.SpanId, span.StartUnixNano, span.ParentId.IsZero, IsModelCall(span));
        if (MarkOf(span, SpanKeys.Responses) is not 0 and var response)
        {
            findings.Responded(response, reference);
        }

        AddSessions(span, reference, findings);
    }

    private static bool IsModelCall(in SpanView span) => EvaluationKeys.IsModelOperation(span.Frame.Text(span.Request, SpanKeys.Operation));

    /// <summary>A conversation and the session around it: whichever of them a result names.</summary>
    private static void AddSessions(in SpanView span, in SpanReference reference, EvaluationFindings findings)
    {
        foreach (var place in SpanKeys.Sessions)
        {
            if (span.Frame.Text(span.Request, place) is { IsEmpty: false } id)
            {
                findings.InSession(ReferenceTable.MarkOf(id), reference);
            }
        }
    }

    private bool TellsEvaluation(in SpanView span)
    {
        foreach (var place in SpanKeys.EventNames)
        {
            if (EvaluationKeys.IsEvent(span.Frame.Text(span.Request, place)))
            {
                return true;
            }
        }

        foreach (var place in SpanKeys.EvaluatorKinds)
        {
            if (EvaluationKeys.IsEvaluationKind(span.Frame.Text(span.Request, place)))
            {
                return true;
            }
        }

        return span.Frame.HasAny(_certain);
    }

    private static ulong MarkOf(in SpanView span, ReadOnlySpan<int> places)
    {
        foreach (var place in places)
        {
            if (span.Frame.Text(span.Request, place) is { IsEmpty: false } id)
            {
                return ReferenceTable.MarkOf(id);
            }
        }

        return 0;
    }

    private void ReadLogs(ReadOnlySpan<byte> request, int start, int end, EvaluationFindings findings)
    {
        var scopes = new ProtoReader(request, start, end);
        while (scopes.Next())
        {
            // What a tap in front has told of its verdicts is no evaluator's word.
            if (scopes is not { FieldNumber: OtlpFields.ResourceLogs.ScopeLogs, WireType: WireType.LengthDelimited } || TapTelemetry.IsIn(scopes.Value))
            {
                continue;
            }

            var items = new ProtoReader(request, scopes.ValueOffset, scopes.ValueEnd);
            while (items.Next())
            {
                if (items is { FieldNumber: OtlpFields.ScopeLogs.LogRecords, WireType: WireType.LengthDelimited })
                {
                    ReadLog(items.Value, findings);
                }
            }
        }
    }

    /// <summary>False when the span is itself what is evaluated, or nothing of the kind.</summary>
    private bool ReadSpanEvaluations(ReadOnlySpan<byte> bytes, in ItemHead head, EvaluationFindings findings)
    {
        var attributes = new Attributes();
        var name = "";
        var links = 0;
        var link = default(EvaluationTarget);
        var reader = new ProtoReader(bytes);
        while (reader.Next())
        {
            switch ((reader.FieldNumber, reader.WireType))
            {
                case (OtlpFields.Span.Name, WireType.LengthDelimited):
                    name = Encoding.UTF8.GetString(reader.Value[..Math.Min(reader.Value.Length, 256)]);
                    break;
                case (OtlpFields.Span.Attributes, WireType.LengthDelimited):
                    attributes.AddKeyValue(reader.Value);
                    break;
                case (OtlpFields.Span.Links, WireType.LengthDelimited):
                    links++;
                    link = LinkOf(reader.Value);
                    break;
            }
        }

        // The same span while it is still running; the one that counts comes when it has ended.
        if (attributes.Text("logfire.span_type") == "pending_span")
        {
            return true;
        }

        var form = new SpanForm(name, attributes, links == 1 && !link.TraceId.IsZero ? link : null, links, head);
        foreach (var evaluation in form.Evaluations(_custom))
        {
            findings.Add(evaluation);
        }

        var events = new ProtoReader(bytes);
        while (events.Next())
        {
            if (events is { FieldNumber: OtlpFields.Span.Events, WireType: WireType.LengthDelimited })
            {
                ReadEvent(events.Value, form, findings);
            }
        }

        return form.IsEvaluator;
    }

    private static void ReadEvent(ReadOnlySpan<byte> bytes, SpanForm form, EvaluationFindings findings)
    {
        var name = EventNameOf(bytes);
        if (!EvaluationKeys.IsEvent(name))
        {
            return;
        }

        var attributes = new Attributes();
        var reader = new ProtoReader(bytes);
        while (reader.Next())
        {
            if (reader is { FieldNumber: OtlpFields.Event.Attributes, WireType: WireType.LengthDelimited })
            {
                attributes.AddKeyValue(reader.Value);
            }
        }

        if (ResultReader.Standard(attributes, Encoding.UTF8.GetString(name[..Math.Min(name.Length, 256)])) is { } evaluation)
        {
            findings.Add(evaluation with { Target = form.Target });
        }
    }

    private void ReadLog(ReadOnlySpan<byte> log, EvaluationFindings findings)
    {
        var head = new ItemHead();
        var isEvaluation = false;
        ReadOnlySpan<byte> eventName = default;
        var reader = new ProtoReader(log);
        while (reader.Next())
        {
            switch ((reader.FieldNumber, reader.WireType))
            {
                case (OtlpFields.LogRecord.TraceId, WireType.LengthDelimited):
                    TraceId.TryRead(reader.Value, out head.TraceId);
                    break;
                case (OtlpFields.LogRecord.SpanId, WireType.LengthDelimited):
                    SpanId.TryRead(reader.Value, out head.SpanId);
                    break;
                case (OtlpFields.LogRecord.EventName, WireType.LengthDelimited):
                    eventName = reader.Value;
                    isEvaluation |= EvaluationKeys.IsEvent(eventName);
                    break;
                case (OtlpFields.LogRecord.Attributes, WireType.LengthDelimited):
                    isEvaluation |= head.Look(reader.Value, _custom);
                    break;
            }
        }

        if (reader.IsMalformed)
        {
            return;
        }

        if (isEvaluation)
        {
            ReadLogEvaluation(log, head, findings);
        }
        else if (head.Response != 0 && !head.TraceId.IsZero && !head.SpanId.IsZero)
        {
            // What went in and out of a call, as a record of the call's span.
            findings.Responded(head.Response, new SpanReference(head.TraceId, head.SpanId, 0, IsRoot: false, IsModelCall: head.IsModelCall));
        }
    }

    private static void ReadLogEvaluation(ReadOnlySpan<byte> log, in ItemHead head, EvaluationFindings findings)
    {
        var attributes = new Attributes();
        var eventName = "";
        ReadOnlySpan<byte> body = default;
        var reader = new ProtoReader(log);
        while (reader.Next())
        {
            switch ((reader.FieldNumber, reader.WireType))
            {
                case (OtlpFields.LogRecord.EventName, WireType.LengthDelimited):
                    eventName = Encoding.UTF8.GetString(reader.Value[..Math.Min(reader.Value.Length, 256)]);
                    break;
                case (OtlpFields.LogRecord.Attributes, WireType.LengthDelimited):
                    attributes.AddKeyValue(reader.Value);
                    break;
                case (OtlpFields.LogRecord.Body, WireType.LengthDelimited):
                    body = reader.Value;
                    break;
            }
        }

        // Another tap's own verdict, told to its backend: it was judged there.
        if (attributes.Has("otlptap.verdict.source"))
        {
            return;
        }

        // Attributes win over what the body says again.
        AddBody(attributes, body);
        if (!eventName.StartsWith("gen_ai.evaluation.", StringComparison.Ordinal))
        {
            eventName = attributes.Text("event.name") is { } named && named.StartsWith("gen_ai.evaluation.", StringComparison.Ordinal) ? named : attributes.Text("microsoft.custom_event.name") ?? "";
        }

        var response = head.Response != 0 ? head.Response : MarkOf(attributes.Text("gen_ai.response.id", "response_id"));
        var session = head.Session != 0 ? head.Session : MarkOf(attributes.Text("gen_ai.conversation.id", "session.id"));
        var target = new EvaluationTarget(head.TraceId, head.SpanId, IsCertain: false, response, session);
        if (ResultReader.Standard(attributes, eventName) is { } evaluation)
        {
            findings.Add(evaluation with { Target = target, IsRecord = eventName == "gen_ai.evaluation.result" });
        }

        foreach (var result in ResultReader.OpenInference(attributes))
        {
            findings.Add(result with { Target = target });
        }
    }

    private static void AddBody(Attributes attributes, ReadOnlySpan<byte> body)
    {
        var said = new Attributes();
        said.AddValue("body", body);
        if (said["body"] is string text && text.AsSpan().TrimStart().StartsWith("{"))
        {
            said.TryAddJson(text, "body");
        }

        foreach (var (key, value) in said.All)
        {
            attributes.Add(key.StartsWith("body.", StringComparison.Ordinal) ? key["body.".Length..] : key, value);
        }
    }

    private static ulong MarkOf(string? id) => id is null ? 0 : ReferenceTable.MarkOf(Encoding.UTF8.GetBytes(id));

    private static ReadOnlySpan<byte> EventNameOf(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> name = default;
        var reader = new ProtoReader(bytes);
        while (reader.Next())
        {
            if (reader is { FieldNumber: OtlpFields.Event.Name, WireType: WireType.LengthDelimited })
            {
                name = reader.Value;
            }
        }

        return name;
    }

    private static EvaluationTarget LinkOf(ReadOnlySpan<byte> bytes)
    {
        var traceId = default(TraceId);
        var spanId = default(SpanId);
        var reader = new ProtoReader(bytes);
        while (reader.Next())
        {
            switch ((reader.FieldNumber, reader.WireType))
            {
                case (OtlpFields.Link.TraceId, WireType.LengthDelimited):
                    TraceId.TryRead(reader.Value, out traceId);
                    break;
                case (OtlpFields.Link.SpanId, WireType.LengthDelimited):
                    SpanId.TryRead(reader.Value, out spanId);
                    break;
            }
        }

        return new EvaluationTarget(traceId, spanId, IsCertain: true, 0, 0);
    }

    private sealed class Walked(EvaluationReader reader, EvaluationFindings findings) : ISpanListener
    {
        public void Scope(ReadOnlySpan<byte> service, ReadOnlySpan<byte> name)
        {
            // An evaluation is one whoever wrote it.
        }

        public void Span(in SpanView span) => reader.ReadSpan(span, findings);
    }
}
