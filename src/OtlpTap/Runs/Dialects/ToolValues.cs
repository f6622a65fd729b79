using OtlpTap.Runs.Content;
using OtlpTap.Runs.Json;
using OtlpTap.Runs.Telemetry;

namespace OtlpTap.Runs.Dialects;

/// <summary>What a tool's span says of its call: arguments and result, out of the wrappers that dialects put around them.</summary>
internal sealed class ToolValues(AttributeSet attributes, RunLimits limits)
{
    internal static readonly string[] ArgumentKeys =
    [
        "gen_ai.tool.call.arguments", "ai.toolCall.args", "ai.toolCall.input", "tool_arguments", "tool_call.function.arguments", "gcp.vertex.agent.tool_call_args",
        "mastra.tool_call.input", "mastra.mcp_tool_call.input", "mastra.client_tool_call.input", "mastra.input", "genkit:input", "langfuse.observation.input", "mlflow.spanInputs", "gen_ai.tool.args", "gen_ai.tool.arguments",
        "gen_ai.prompt", "input.value", "traceloop.entity.input", "mcp.request.arguments", "input",
    ];

    private static readonly string[] ResultKeys =
    [
        "gen_ai.tool.call.result", "ai.toolCall.result", "ai.toolCall.output", "tool_response", "gcp.vertex.agent.tool_response", "mastra.tool_call.output", "mastra.mcp_tool_call.output", "mastra.client_tool_call.output", "mastra.output",
        "genkit:output", "langfuse.observation.output", "mlflow.spanOutputs", "gen_ai.tool.result", "gen_ai.tool.output", "gen_ai.completion", "output.value", "traceloop.entity.output", "mcp.response.value", "output",
    ];

    /// <summary>Ids that calls wrapped in an input carry; null where there is none.</summary>
    public string? CallId { get; private set; }

    public string? Name { get; private set; }

    public bool ResultIsError { get; private set; }

    public string? Arguments()
    {
        foreach (var key in ArgumentKeys)
        {
            if (attributes.Text(key) is { } text && text != "<not specified>")
            {
                return key.StartsWith("gen_ai.tool.", StringComparison.Ordinal) || key.StartsWith("ai.", StringComparison.Ordinal)
                    ? attributes.Unquoted(key)
                    : Unwrap(attributes.Json(key)) ?? attributes.Unquoted(key);
            }
        }

        return null;
    }

    public string? Result()
    {
        foreach (var key in ResultKeys)
        {
            if (attributes.Text(key) is { } text && text != "<not specified>")
            {
                var json = attributes.Json(key);
                ResultIsError = ToolFailures.Says(json);
                var result = ToolMessage(json) ?? (json.IsArray || json.IsText ? ContentTexts.Flatten(json) : text);
                ResultIsError |= !json.IsObject && ToolFailures.Says(result, limits);
                return result;
            }
        }

        return null;
    }

    private string? Unwrap(JsonValue input)
    {
        if (!input.IsObject)
        {
            return null;
        }

        // A call as the model wrote it: LangChain's { "name", "args", "id", "type": "tool_call" }, MCP's { "tool_name" | "name", "arguments" }.
        var arguments = input.First("arguments", "args", "tool_args");
        if (arguments.IsObject && (input["type"].Text == "tool_call" || input.First("name", "tool_name", "toolName").IsText))
        {
            CallId = PartShapes.CallId(input);
            Name = input.First("name", "tool_name", "toolName").TextOrNull;
            return arguments.Raw;
        }

        // Traceloop: { "args": [ … ], "kwargs": { … } }.
        if (arguments.IsArray && OnlyHas(input, "args", "kwargs"))
        {
            foreach (var argument in arguments)
            {
                return Unwrap(argument) ?? argument.Text;
            }

            return input["kwargs"] is { IsTruthy: true } kwargs ? kwargs.Raw : "{}";
        }

        // LangChain gives a tool's input as a text that holds the arguments.
        if (input["input"] is { IsText: true } text && OnlyHas(input, "input") && JsonText.TryReadWhole(text.Text, limits, out var inner) && inner.Root.IsObject)
        {
            return text.Text;
        }

        return OnlyHas(input, "input") && input["input"].IsObject ? Unwrap(input["input"]) ?? input["input"].Raw : null;
    }

    /// <summary>The text of a LangChain ToolMessage, which is a tool's result there.</summary>
    private static string? ToolMessage(JsonValue result)
    {
        var message = result["output"] is { IsObject: true } output && OnlyHas(result, "output") ? output : result;
        message = message["kwargs"] is { IsObject: true } kwargs && message["id"].IsArray ? kwargs : message;
        return message["tool_call_id"].IsText && message["content"].IsGiven ? ContentTexts.Flatten(message["content"]) : null;
    }

    private static bool OnlyHas(JsonValue value, params ReadOnlySpan<string> names)
    {
        foreach (var member in value)
        {
            if (!names.Contains(member.Name))
            {
                return false;
            }
        }

        return true;
    }
}
