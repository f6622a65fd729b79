using OtlpTap.Runs.Json;

namespace OtlpTap.Runs.Content;

/// <summary>Why a model stopped, in one vocabulary.</summary>
internal static class FinishReasons
{
    public const string Stop = "stop";
    public const string Length = "length";
    public const string ContentFilter = "content_filter";
    public const string ToolCall = "tool_call";
    public const string Error = "error";
    public const string Refusal = "refusal";

    /// <summary>The model wrote a call that nobody can read, or of a tool that it does not have (Gemini).</summary>
    public const string MalformedCall = "malformed_call";

    private static readonly FoldedWords<string> Words = new(
        ("stop endturn stopsequence eos complete completed finishreasonstop", Stop),
        ("toolcall toolcalls tooluse functioncall functioncalls", ToolCall),
        ("length maxtokens maxoutputtokens modellength modelcontextwindowexceeded", Length),
        ("contentfilter contentfiltered safety recitation blocked blocklist prohibitedcontent spii guardrailintervened imagesafety", ContentFilter),
        ("refusal refused", Refusal),
        ("malformedfunctioncall malformedtooluse malformedtoolcall malformedmodeloutput unexpectedtoolcall toomanytoolcalls", MalformedCall),
        ("error failed", Error));

    /// <summary>Null for an empty one; one that is not known is lower-cased.</summary>
    public static string? Normalise(string? reason)
    {
        var trimmed = reason.AsSpan().Trim();
        if (trimmed.IsEmpty)
        {
            return null;
        }

        // Protocols qualify their enums: "FinishReason.STOP".
        var word = trimmed[(trimmed.LastIndexOf('.') + 1)..];
        return Words.TryFind(word, out var known) ? known : trimmed.ToString().ToLowerInvariant();
    }

    /// <summary>Of a list the first; of a text that is a list separated by commas its first.</summary>
    public static string? Read(JsonValue value)
    {
        if (value.IsArray)
        {
            foreach (var item in value)
            {
                if (Normalise(item.Text) is { } reason)
                {
                    return reason;
                }
            }

            return null;
        }

        return value.IsText ? Read(value.Text) : null;
    }

    public static string? Read(string? text) => Normalise(text?.Split(',', 2)[0]);
}
