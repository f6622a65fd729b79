using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Feedback;

/// <summary>Reads a body of feedback, one object or an array of them: what is wrong with it, each problem with the member's name.</summary>
internal static class FeedbackReader
{
    // `range` in an item in an array is three; what is nested deeper is no feedback.
    private const int DepthMax = 8;

    /// <returns>All items; empty where there is a problem.</returns>
    public static IReadOnlyList<FeedbackItem> Read(ReadOnlySpan<byte> json, int itemsMax, FeedbackProblems problems)
    {
        using var document = Parse(json, problems);
        if (document is null)
        {
            return [];
        }

        var root = document.RootElement;
        var items = new List<FeedbackItem>();
        if (root.ValueKind != JsonValueKind.Array)
        {
            items.Add(FeedbackItemReader.Read(root, "", problems));
        }
        else if (root.GetArrayLength() is var length && (length == 0 || length > itemsMax))
        {
            problems.Add("", length == 0 ? "the array is empty" : $"the array has {length} items; {itemsMax} are taken at once (processors.tap.feedback.explicit.max_items)");
        }
        else
        {
            foreach (var element in root.EnumerateArray())
            {
                items.Add(FeedbackItemReader.Read(element, $"[{items.Count}]", problems));
            }
        }

        return problems.Any ? [] : items;
    }

    private static JsonDocument? Parse(ReadOnlySpan<byte> json, FeedbackProblems problems)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax });
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.ParseValue(ref reader);
            reader.Read(); // there must be nothing behind it
            return document;
        }
        catch (JsonException broken)
        {
            document?.Dispose();
            problems.Add("", $"the body is no JSON that could be feedback: {BrokenJson.Describe(json, broken)}");
            return null;
        }
    }
}
