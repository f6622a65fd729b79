using OtlpTap.Runs.Content;
using OtlpTap.Runs.Json;
using OtlpTap.Runs.Telemetry;

namespace OtlpTap.Runs.Dialects;

/// <summary>
/// Messages told one by one, as span events or log records: <c>gen_ai.user.message</c> and its kin, <c>gen_ai.choice</c>
/// with the answer, and the older <c>gen_ai.content.prompt</c> and <c>.completion</c>. What was said stands in the
/// record's body (OpenTelemetry), in the attribute <c>gen_ai.event.content</c> (Semantic Kernel), or in attributes of its
/// own (Strands).
/// </summary>
internal sealed class EventMessages(RunLimits limits)
{
    private readonly StepContent _input = new() { IsShaped = true };
    private readonly StepContent _output = new() { IsShaped = true };

    public StepContent Input => _input;

    public StepContent Output => _output;

    public void Add(EventRecord record)
    {
        switch (record.Name)
        {
            case "gen_ai.system.message":
                AddInput(record, MessageRole.System);
                break;
            case "gen_ai.user.message":
                AddInput(record, MessageRole.User);
                break;
            case "gen_ai.assistant.message":
                AddInput(record, MessageRole.Assistant);
                break;
            case "gen_ai.tool.message":
                AddInput(record, MessageRole.Tool);
                break;
            case "gen_ai.choice":
                AddChoice(record);
                break;
            case "gen_ai.content.prompt":
                AddOld(record, "gen_ai.prompt", MessageRole.User, _input);
                break;
            case "gen_ai.content.completion":
                AddOld(record, "gen_ai.completion", MessageRole.Assistant, _output);
                break;
        }
    }

    /// <summary>Pydantic AI's first version: all events as one list in an attribute.</summary>
    public void AddList(JsonValue events)
    {
        foreach (var item in events)
        {
            var name = item["event.name"].Text;
            var isChoice = name == "gen_ai.choice";
            var said = isChoice && item["message"].IsObject ? item["message"] : item;
            if (name.StartsWith("gen_ai.", StringComparison.Ordinal) && !IsFull)
            {
                (isChoice ? _output : _input).Messages.Add(MessageShapes.Read(said, RoleOf(said, name), limits));
            }
        }
    }

    // Strands: [{ "toolResult": { "toolUseId", "status", "content" } }].
    private static bool HoldsResults(StepContent read) =>
        read.Messages.TrueForAll(static message => message.Parts.All(static part => part is { Kind: PartKind.ToolResult, CallId: not null }));

    private bool IsFull => _input.Messages.Count + _output.Messages.Count >= limits.MessagesMax;

    private static MessageRole RoleOf(JsonValue said, string eventName) =>
        Roles.TryRead(said["role"], out var role) ? role
        : Roles.TryRead(eventName.Replace("gen_ai.", "", StringComparison.Ordinal).Replace(".message", "", StringComparison.Ordinal), out role) ? role
        : MessageRole.Assistant;

    private void AddInput(EventRecord record, MessageRole role)
    {
        if (!IsFull)
        {
            _input.Messages.Add(Message(record, role, "content"));
        }
    }

    private void AddChoice(EventRecord record)
    {
        if (IsFull)
        {
            return;
        }

        var body = Body(record);
        var inner = body["message"];
        var message = inner.IsObject ? MessageShapes.Read(inner, MessageRole.Assistant, limits) : Message(record, MessageRole.Assistant, "message");
        var finish = MessageShapes.Finish(body) ?? FinishReasons.Read(record.Attributes.Text("finish_reason")) ?? message.FinishReason;
        _output.FinishReason ??= finish;
        _output.Messages.Add(message with { FinishReason = finish });
        if (record.Attributes.Text("tool.result") is { } result)
        {
            // Strands tells the results of a cycle's tools with the choice that asked for them.
            _output.Messages.Add(new Message(MessageRole.Tool, ContentReader.Read(record.Attributes.Json("tool.result"), MessageRole.Tool, limits) is { Messages: [var first, ..] } ? first.Parts : [new MessagePart(PartKind.ToolResult, result)]));
        }
    }

    private void AddOld(EventRecord record, string key, MessageRole role, StepContent content)
    {
        if (record.Attributes.FirstText(key, "gen_ai.event.content") is { } text && !IsFull)
        {
            var json = record.Attributes.Json(key);
            var read = json.IsGiven ? ContentReader.Read(json, role, limits) : ContentReader.OfText(text, role);
            content.Messages.AddRange(read.Messages);
            content.FinishReason ??= read.FinishReason;
        }
    }

    private JsonValue Body(EventRecord record)
    {
        var content = record.Attributes.Json("gen_ai.event.content");
        return content.IsObject ? content : record.BodyJson(limits);
    }

    private Message Message(EventRecord record, MessageRole role, string ownAttribute)
    {
        var body = Body(record);
        if (body.IsObject)
        {
            return MessageShapes.Read(body, Roles.TryRead(body["role"], out var said) ? said : role, limits);
        }

        var attributes = record.Attributes;
        if (attributes.FirstText(ownAttribute, "content", "message", "gen_ai.event.content") is not { } text)
        {
            return new Message(role, record.Body.Kind == AttributeKind.Text && record.Body.Text.Length > 0 ? [new MessagePart(PartKind.Text, record.Body.Text)] : []);
        }

        var parts = new List<MessagePart>();
        var json = attributes.Json(attributes.Has(ownAttribute) ? ownAttribute : "content");
        if (json.IsGiven && ContentReader.Read(json, role, limits) is { SaysAnything: true } read && (role != MessageRole.Tool || HoldsResults(read)))
        {
            foreach (var message in read.Messages)
            {
                parts.AddRange(message.Parts);
            }
        }
        else if (role == MessageRole.Tool || !json.IsArray || json.IsTruthy)
        {
            parts.Add(new MessagePart(role == MessageRole.Tool ? PartKind.ToolResult : PartKind.Text, json.IsGiven ? ContentTexts.Flatten(json) : text)
            {
                CallId = role == MessageRole.Tool ? attributes.Text("id") : null,
                IsError = role == MessageRole.Tool && ToolFailures.Says(json),
            });
        }

        return MessageShapes.Of(role, parts);
    }
}
