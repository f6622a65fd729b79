using System.Text;
using OtlpTap.Runs.Json;

namespace OtlpTap.Runs.Content;

/// <summary>The plain text of values that wrap it.</summary>
internal static class ContentTexts
{
    /// <summary>
    /// A text itself; of a list of text blocks (<c>{"type":"text","text":…}</c>, <c>{"text":…}</c>, <c>{"type":"text","content":…}</c>)
    /// what they say, one to a line; of anything else its JSON.
    /// </summary>
    public static string Flatten(JsonValue value)
    {
        if (value.IsArray && TryJoin(value, out var joined))
        {
            return joined;
        }

        return value.IsObject && TryReadBlock(value, out var text) ? text : value.Text;
    }

    /// <summary>The same of a text that may itself be such a list, written as JSON.</summary>
    public static string Flatten(string text, RunLimits limits) =>
        text.StartsWith("[{", StringComparison.Ordinal) && JsonText.TryReadWhole(text, limits, out var json) && TryJoin(json.Root, out var joined) ? joined : text;

    private static bool TryJoin(JsonValue list, out string joined)
    {
        var text = new StringBuilder();
        var isFirst = true;
        joined = "";
        foreach (var item in list)
        {
            if (!TryReadBlock(item, out var block))
            {
                return false;
            }

            text.Append(isFirst ? "" : "\n").Append(block);
            isFirst = false;
        }

        joined = text.ToString();
        return !isFirst;
    }

    private static bool TryReadBlock(JsonValue block, out string text)
    {
        text = "";
        if (block.IsText)
        {
            text = block.Text;
            return true;
        }

        var type = block["type"];
        if (!type.IsGiven)
        {
            // Strands and Bedrock: { "text": … }, { "json": … }.
            var only = block.First("text", "json");
            text = only.Text;
            return only.IsGiven && IsAlone(block);
        }

        var content = block.First("text", "content", "value");
        text = content.Text;
        return content.IsText && type.Text is "text" or "input_text" or "output_text";
    }

    private static bool IsAlone(JsonValue value)
    {
        var count = 0;
        foreach (var _ in value)
        {
            count++;
        }

        return count == 1;
    }
}
