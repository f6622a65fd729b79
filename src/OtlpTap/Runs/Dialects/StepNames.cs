using System.Collections.Frozen;
using OtlpTap.Runs.Content;
using OtlpTap.Runs.Json;
using OtlpTap.Runs.Telemetry;

namespace OtlpTap.Runs.Dialects;

/// <summary>Under which keys the dialects write who, which and how many. The first that is there counts.</summary>
internal static class StepNames
{
    private static readonly string[] SessionKeys =
    [
        "gen_ai.conversation.id", "session.id", "langfuse.session.id", "ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.session_id",
        "ai.telemetry.metadata.conversationId", "ai.telemetry.metadata.threadId", "traceloop.association.properties.session_id", "traceloop.association.properties.thread_id",
        "traceloop.association.properties.conversation_id", "traceloop.association.properties.chat_id", "langsmith.metadata.session_id", "langsmith.metadata.thread_id",
        "langsmith.metadata.conversation_id", "mastra.metadata.sessionId", "mastra.metadata.threadId", "gcp.vertex.agent.session_id", "mlflow.trace.session", "thread_id", "conversation_id", "session_id",
    ];

    /// <summary>The agent's name on any span of its; else a workflow's and an agent's own, on their spans.</summary>
    internal static readonly string[] AgentKeys = ["gen_ai.agent.name", "agent.name", "agent_name", "ai.telemetry.functionId"];

    internal static readonly string[] WorkflowNameKeys = ["gen_ai.workflow.name", "genkit:name", "traceloop.workflow.name"];

    internal static readonly string[] AgentNameKeys = ["genkit:name", "traceloop.entity.name", "traceloop.workflow.name", "mastra.entity.name"];

    /// <summary>Dialects whose chains are called by the span's name.</summary>
    internal static readonly string[] NamedBySpanKeys = ["openinference.span.kind", "langfuse.observation.type"];

    internal static readonly string[] AgentPrefixes = ["invoke_agent ", "create_agent "];

    internal static readonly string[] ToolKeys = ["gen_ai.tool.name", "ai.toolCall.name", "tool.name", "tool_call.function.name", "genkit:name", "traceloop.entity.name", "mastra.entity.name", "tool_name", "logfire.tool.name"];

    internal static readonly string[] InputUsageNames = ["input", "input_tokens", "prompt_tokens", "inputTokens"];

    internal static readonly string[] OutputUsageNames = ["output", "output_tokens", "completion_tokens", "outputTokens"];

    private static readonly string[] UserKeys =
    [
        "user.id", "enduser.id", "enduser.pseudo.id", "langfuse.user.id", "ai.telemetry.metadata.userId", "ai.telemetry.metadata.user_id", "traceloop.association.properties.user_id",
        "langsmith.metadata.user_id", "mastra.metadata.userId", "mlflow.trace.user", "gen_ai.user", "user_id",
    ];

    internal static readonly string[] ModelKeys =
    [
        "gen_ai.response.model", "llm.response.model_name", "llm.model_name", "gen_ai.request.model", "llm.request.model_name", "langfuse.observation.model.name",
        "ai.response.model", "ai.model.id", "mlflow.chat.model", "mlflow.llm.model", "embedding.model_name", "gen_ai.model.name",
    ];

    private static readonly string[] ProviderKeys = ["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider"];

    internal static readonly string[] InputTokenKeys =
    [
        "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.inputTokens", "ai.usage.promptTokens", "llm.usage.prompt_tokens",
    ];

    internal static readonly string[] OutputTokenKeys =
    [
        "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "ai.usage.outputTokens", "ai.usage.completionTokens", "llm.usage.completion_tokens",
    ];

    internal static readonly string[] UsageKeys = ["langfuse.observation.usage_details", "mlflow.chat.tokenUsage", "genkit:output"];

    /// <summary>LangChain's classes of tools, which some dialects give in place of the tool's name.</summary>
    internal static readonly FrozenSet<string> ToolClasses = FrozenSet.Create(StringComparer.Ordinal, "DynamicStructuredTool", "DynamicTool", "StructuredTool", "Tool", "BaseTool", "FunctionTool");

    internal static readonly string[] ToolPrefixes = ["execute_tool ", "tools/call ", "running tool: ", "tool: ", "tool call ", "client_tool_call ", "tool_call "];

    public static string? Session(AttributeSet attributes) => Given(attributes, SessionKeys);

    public static string? User(AttributeSet attributes) => Given(attributes, UserKeys);

    public static string? Model(AttributeSet attributes) => Given(attributes, ModelKeys);

    public static string? Provider(AttributeSet attributes) => Given(attributes, ProviderKeys);

    public static string? ResponseId(AttributeSet attributes) =>
        attributes.FirstText("gen_ai.response.id", "ai.response.id", "llm.response.id");

    public static string? CallId(AttributeSet attributes) =>
        Given(attributes, ["gen_ai.tool.call.id", "ai.toolCall.id", "tool_call.id", "tool.id", "gen_ai.tool_call.id"]);

    public static string? Agent(SpanRecord span, StepKind kind)
    {
        var attributes = span.Attributes;
        if (Given(attributes, AgentKeys) is { } name)
        {
            return name;
        }

        if (kind == StepKind.Workflow)
        {
            return attributes.FirstText(WorkflowNameKeys) ?? (NamedBySpanKeys.Any(attributes.Has) ? span.Name : null);
        }

        if (kind != StepKind.Agent)
        {
            return null;
        }

        return attributes.FirstText(AgentNameKeys) ?? AfterAny(span.Name, AgentPrefixes) ?? span.Name;
    }

    public static string? Tool(SpanRecord span)
    {
        var attributes = span.Attributes;
        var name = Given(attributes, ToolKeys)
            ?? attributes.Json("mlflow.spanInputs")["name"].TextOrNull
            ?? FromSpanName(span.Name);
        return ToolClasses.Contains(name) ? null : name;
    }

    public static long? InputTokens(AttributeSet attributes) =>
        attributes.FirstLong(InputTokenKeys) ?? Usage(attributes, InputUsageNames);

    public static long? OutputTokens(AttributeSet attributes) =>
        attributes.FirstLong(OutputTokenKeys) ?? Usage(attributes, OutputUsageNames);

    public static string? FinishReason(AttributeSet attributes)
    {
        foreach (var key in (ReadOnlySpan<string>)["gen_ai.response.finish_reasons", "gen_ai.response.finish_reason", "llm.finish_reason", "ai.response.finishReason", "gen_ai.completion.0.finish_reason", "llm.response.finish_reason", "llm.response.stop_reason"])
        {
            if (attributes.Text(key) is { } text && (FinishReasons.Read(attributes.Json(key)) ?? (text[0] is '[' or '{' ? null : FinishReasons.Read(text))) is { } reason)
            {
                return reason;
            }
        }

        return null;
    }

    private static long? Usage(AttributeSet attributes, params ReadOnlySpan<string> names)
    {
        foreach (var key in UsageKeys)
        {
            var usage = attributes.Json(key);
            usage = key == "genkit:output" ? usage["usage"] : usage;
            if (usage.First(names).AsLong() is { } tokens)
            {
                return tokens;
            }
        }

        return null;
    }

    /// <summary>Placeholders are no values: Google's ADK writes <c>&lt;not specified&gt;</c>.</summary>
    internal static bool IsPlaceholder(string text) => text is "<not specified>" or "unknown" or "null" or "undefined";

    private static string? Given(AttributeSet attributes, ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (attributes.Text(key) is { } text && !IsPlaceholder(text))
            {
                return text[0] == '"' && attributes.Json(key) is { IsText: true } quoted ? quoted.TextOrNull : text;
            }
        }

        return null;
    }

    internal static string FromSpanName(string name)
    {
        if (AfterAny(name, ToolPrefixes) is { } rest)
        {
            return rest.Trim('\'', '"', '`');
        }

        return name.EndsWith(".tool", StringComparison.Ordinal) ? name[..^".tool".Length] : name;
    }

    internal static string? AfterAny(string name, ReadOnlySpan<string> prefixes)
    {
        foreach (var prefix in prefixes)
        {
            if (name.Length > prefix.Length && name.StartsWith(prefix, StringComparison.Ordinal))
            {
                return name[prefix.Length..];
            }
        }

        return null;
    }
}
