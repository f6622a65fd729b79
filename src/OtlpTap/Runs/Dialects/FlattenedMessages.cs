using System.Globalization;
using OtlpTap.Runs.Content;
using OtlpTap.Runs.Telemetry;

namespace OtlpTap.Runs.Dialects;

/// <summary>
/// Messages spread over attributes:
/// <code>
///   OpenInference   llm.input_messages.0.message.tool_calls.1.tool_call.function.name
///   Traceloop       gen_ai.prompt.0.tool_calls.1.name
/// </code>
/// </summary>
internal sealed class FlattenedMessages(AttributeSet attributes, RunLimits limits)
{
    private const int CallsMax = 128;

    public StepContent? OpenInference(string list, MessageRole defaultRole)
    {
        if (!attributes.Has($"{list}.0.message.role") && !attributes.Has($"{list}.0.message.content"))
        {
            return null;
        }

        var content = new StepContent { IsShaped = true };
        for (var i = 0; i < limits.MessagesMax; i++)
        {
            var message = string.Create(CultureInfo.InvariantCulture, $"{list}.{i}.message.");
            if (OpenInferenceMessage(message, defaultRole) is not { } read)
            {
                break;
            }

            content.Messages.Add(read);
        }

        return content;
    }

    public StepContent? Traceloop(string list, MessageRole defaultRole)
    {
        if (!attributes.Has($"{list}.0.role") && !attributes.Has($"{list}.0.content"))
        {
            return null;
        }

        var content = new StepContent { IsShaped = true };
        for (var i = 0; i < limits.MessagesMax; i++)
        {
            var prefix = string.Create(CultureInfo.InvariantCulture, $"{list}.{i}.");
            if (!attributes.Has(prefix + "role") && !attributes.Has(prefix + "content") && !attributes.Has(prefix + "tool_calls.0.name"))
            {
                break;
            }

            content.Messages.Add(TraceloopMessage(prefix, defaultRole));
        }

        return content;
    }

    public List<OfferedTool>? Tools()
    {
        List<OfferedTool>? tools = null;
        for (var i = 0; i < limits.ToolsMax; i++)
        {
            var schema = attributes.Json(string.Create(CultureInfo.InvariantCulture, $"llm.tools.{i}.tool.json_schema"));
            if (schema.IsGiven)
            {
                ToolShapes.Add(schema, tools ??= [], limits);
                continue;
            }

            var function = string.Create(CultureInfo.InvariantCulture, $"llm.request.functions.{i}.");
            if (attributes.Text(function + "name") is not { } name)
            {
                break;
            }

            (tools ??= []).Add(new OfferedTool(name, attributes.Text(function + "description"), attributes.FirstText(function + "parameters", function + "input_schema")));
        }

        return tools;
    }

    public List<RetrievedDocument> Documents()
    {
        var documents = new List<RetrievedDocument>();
        foreach (var list in (ReadOnlySpan<string>)["retrieval.documents", "reranker.output_documents"])
        {
            for (var i = 0; i < limits.DocumentsMax; i++)
            {
                var document = string.Create(CultureInfo.InvariantCulture, $"{list}.{i}.document.");
                if (!attributes.Has(document + "content") && !attributes.Has(document + "id"))
                {
                    break;
                }

                documents.Add(new RetrievedDocument(attributes.Text(document + "id"), attributes.Text(document + "content") ?? "", attributes.Value(document + "score").AsDouble()));
            }
        }

        return documents;
    }

    private Message? OpenInferenceMessage(string message, MessageRole defaultRole)
    {
        var hasRole = attributes.Has(message + "role");
        var text = attributes.Text(message + "content");
        var parts = new List<MessagePart>();
        if (!hasRole && !attributes.Has(message + "content") && !attributes.Has(message + "tool_calls.0.tool_call.function.name"))
        {
            return null;
        }

        if (!Roles.TryRead(attributes.Text(message + "role"), out var role))
        {
            role = defaultRole;
        }

        if (text is not null || role == MessageRole.Tool)
        {
            parts.Add(role == MessageRole.Tool ? ToolResult(text ?? "", message + "tool_call_id", message + "name") : new MessagePart(PartKind.Text, ContentTexts.Flatten(text!, limits)));
        }

        for (var j = 0; j < limits.MessagesMax; j++)
        {
            var piece = string.Create(CultureInfo.InvariantCulture, $"{message}contents.{j}.message_content.");
            if (attributes.Text(piece + "type") is not { } type)
            {
                break;
            }

            if (attributes.Text(piece + "text") is { } said)
            {
                parts.Add(new MessagePart(type == "reasoning" ? PartKind.Reasoning : PartKind.Text, said));
            }
        }

        for (var j = 0; j < CallsMax; j++)
        {
            var call = string.Create(CultureInfo.InvariantCulture, $"{message}tool_calls.{j}.tool_call.");
            var name = attributes.Text(call + "function.name");
            var id = attributes.Text(call + "id");
            if (name is null && id is null)
            {
                break;
            }

            parts.Add(new MessagePart(PartKind.ToolCall, "") { CallId = id, ToolName = name, Arguments = attributes.Text(call + "function.arguments") });
        }

        if (attributes.Text(message + "function_call_name") is { } function)
        {
            parts.Add(new MessagePart(PartKind.ToolCall, "") { ToolName = function, Arguments = attributes.Text(message + "function_call_arguments_json") });
        }

        return MessageShapes.Of(role, parts);
    }

    private Message TraceloopMessage(string message, MessageRole defaultRole)
    {
        if (!Roles.TryRead(attributes.Text(message + "role"), out var role))
        {
            role = defaultRole;
        }

        var parts = new List<MessagePart>();
        if (attributes.Text(message + "content") is { } text)
        {
            if (role == MessageRole.Tool)
            {
                parts.Add(ToolResult(text, message + "tool_call_id", message + "name"));
            }
            else
            {
                // Blocks of content are written as JSON here.
                var blocks = attributes.Json(message + "content");
                var read = blocks.IsArray ? ContentReader.Read(blocks, role, limits) : null;
                if (read is { IsShaped: true, Messages: [var only] })
                {
                    parts.AddRange(only.Parts);
                }
                else
                {
                    parts.Add(new MessagePart(PartKind.Text, ContentTexts.Flatten(text, limits)));
                }
            }
        }

        for (var j = 0; j < CallsMax; j++)
        {
            var call = string.Create(CultureInfo.InvariantCulture, $"{message}tool_calls.{j}.");
            var name = attributes.FirstText(call + "name", call + "function.name");
            if (name is null)
            {
                break;
            }

            parts.Add(new MessagePart(PartKind.ToolCall, "") { CallId = attributes.Text(call + "id"), ToolName = name, Arguments = attributes.FirstText(call + "arguments", call + "function.arguments") });
        }

        if (attributes.Text(message + "refusal") is { } refusal)
        {
            parts.Add(new MessagePart(PartKind.Refusal, refusal));
        }

        return MessageShapes.Of(role, parts) with { FinishReason = FinishReasons.Read(attributes.Text(message + "finish_reason")) };
    }

    private MessagePart ToolResult(string text, string idKey, string nameKey) =>
        new(PartKind.ToolResult, text) { CallId = attributes.Text(idKey), ToolName = attributes.Text(nameKey), IsError = ToolFailures.Says(text, limits) };
}
