using System.Collections.Frozen;

namespace OtlpTap.Pull;

/// <summary>
/// Attribute names as they were before Loki made underscores of their dots. Which underscore was a dot is not kept: within
/// the namespaces of OpenTelemetry's conventions each one was, but for the words below, which are written with underscores
/// there. Other names stay as they are.
/// </summary>
internal static class LokiNames
{
    private static readonly FrozenSet<string> OfResources = FrozenSet.Create(
        StringComparer.Ordinal, "service", "telemetry", "deployment", "k8s", "cloud", "host", "process", "container", "os", "faas");

    private static readonly FrozenSet<string> OfRecords = FrozenSet.Create(
        StringComparer.Ordinal, "gen_ai", "exception", "error", "event", "session", "user", "enduser", "mcp", "http", "server", "client", "network", "url", "db", "code", "thread", "openinference", "llm", "langfuse", "traceloop", "otlptap");

    // The longest first: finish_reasons before finish_reason.
    private static readonly string[] Words =
    [
        "time_to_first_chunk", "time_per_output_chunk", "desirable_direction", "system_instructions", "presence_penalty", "frequency_penalty", "completion_tokens",
        "human_evaluation", "response_format", "stop_sequences", "finish_reasons", "cache_creation", "prompt_tokens", "output_tokens", "finish_reason", "user_feedback",
        "input_tokens", "total_tokens", "execute_tool", "service_tier", "data_source", "status_code", "cache_write", "cache_read", "max_tokens", "start_time", "tool_call",
        "max_value", "min_value", "end_time", "gen_ai", "top_k", "top_p",
    ];

    public static string Restore(string name)
    {
        var space = NamespaceOf(name);
        if (!OfResources.Contains(space) && !OfRecords.Contains(space))
        {
            return name;
        }

        var restored = name.Replace('_', '.');
        foreach (var word in Words)
        {
            restored = Join(restored, word);
        }

        return restored;
    }

    /// <param name="name">Restored.</param>
    /// <param name="isLabel">It is a label of the stream; structured metadata, too, where Loki does not tell them apart.</param>
    public static bool IsOfResource(string name, bool isLabel)
    {
        var space = name.StartsWith("gen_ai", StringComparison.Ordinal) ? "gen_ai" : name.Split('.')[0];
        return OfResources.Contains(space) || (isLabel && !OfRecords.Contains(space));
    }

    private static string NamespaceOf(string name) =>
        name.StartsWith("gen_ai_", StringComparison.Ordinal) ? "gen_ai" : name.Split('_')[0] is var first && first.Length < name.Length ? first : "";

    /// <summary>Puts the word's underscores back, where it stands between dots.</summary>
    private static string Join(string name, string word)
    {
        var dotted = word.Replace('_', '.');
        for (var at = name.IndexOf(dotted, StringComparison.Ordinal); at >= 0; at = name.IndexOf(dotted, at + 1, StringComparison.Ordinal))
        {
            if ((at == 0 || name[at - 1] == '.') && (at + dotted.Length == name.Length || name[at + dotted.Length] == '.'))
            {
                name = string.Concat(name.AsSpan(0, at), word, name.AsSpan(at + dotted.Length));
            }
        }

        return name;
    }
}
