using System.Globalization;
using System.Text.Json;

namespace OtlpTap.Client;

/// <summary>Reads the answer of <c>GET /api/v1/advice</c>. What it does not know it passes over: taps may be newer.</summary>
internal static class AdviceParser
{
    /// <exception cref="FormatException">It is no advice.</exception>
    public static AdviceIndex Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using var json = JsonDocument.Parse(utf8);
            var root = json.RootElement;
            return new AdviceIndex(root.GetProperty("version").GetInt64(), root.GetProperty("holdout").GetDouble(), [.. root.GetProperty("advice").EnumerateArray().Select(Item)]);
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException($"what the tap answers is no advice: {problem.Message}", problem);
        }
    }

    private static Advice Item(JsonElement item) => new()
    {
        Id = Text(item, "id"),
        Policy = Text(item, "policy"),
        Action = Text(item, "advice"),
        Service = Text(item, "service"),
        Agent = Text(item, "agent"),
        Tool = Text(item, "tool"),
        Model = Text(item, "model"),
        Parameters = Members(item, "parameters").Where(member => member.Value.ValueKind == JsonValueKind.String).ToDictionary(member => member.Name, member => member.Value.GetString()!),
        Since = DateTimeOffset.TryParse(Text(item, "since"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var since) ? since : default,
        Reason = Text(item, "reason"),
        Values = Members(item, "values").Where(member => member.Value.ValueKind == JsonValueKind.Number).ToDictionary(member => member.Name, member => member.Value.GetDouble()),
    };

    private static string Text(JsonElement item, string name) => item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static IEnumerable<JsonProperty> Members(JsonElement item, string name) => item.TryGetProperty(name, out var value) ? value.EnumerateObject().DistinctBy(member => member.Name) : [];
}
