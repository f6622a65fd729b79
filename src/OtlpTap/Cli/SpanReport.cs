using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Wire;

namespace OtlpTap.Cli;

/// <summary>
/// What a reader needs to believe a verdict: the span's name, the fields that the matching conditions look at, and what
/// the span says of its own failure. Read from its OTLP/JSON, which can be written of whatever the scan lets pass: text
/// that is no UTF-8, values nested deeper than the generated classes take.
/// </summary>
internal sealed partial class SpanReport : IDisposable
{
    private const int ValueLengthMax = 200;
    private const int ErrorStatus = 2;

    // Three levels of JSON for each level of values: object, arrayValue or kvlistValue, list.
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 16 + (4 * OtlpJson.AnyValueDepthMax) };

    private readonly JsonDocument _document;
    private readonly JsonElement _span;

    private SpanReport(JsonDocument document)
    {
        _document = document;
        _span = document.RootElement.GetProperty("resourceSpans")[0].GetProperty("scopeSpans")[0].GetProperty("spans")[0];
    }

    public string Name => TextOf(_span, "name");

    /// <param name="span">A serialized <c>Span</c>, well-formed.</param>
    public static SpanReport Of(ReadOnlySpan<byte> span)
    {
        var request = Within(OtlpFields.TraceRequest.ResourceSpans, Within(OtlpFields.ResourceSpans.ScopeSpans, Within(OtlpFields.ScopeSpans.Spans, span)));
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            OtlpJson.Write(Signal.Traces, request, writer);
        }

        return new SpanReport(JsonDocument.Parse(json.WrittenMemory, Deep));
    }

    public string Evidence(IEnumerable<Rule> rules)
    {
        var named = new HashSet<string>(StringComparer.Ordinal) { "error.type" };
        foreach (var rule in rules)
        {
            foreach (Match match in AttributeKey().Matches(rule.Condition))
            {
                named.Add(match.Groups["key"].Value);
            }
        }

        var parts = new List<string>();
        if (_span.TryGetProperty("status", out var status) && status.TryGetProperty("code", out var code) && code.GetInt32() == ErrorStatus)
        {
            var message = TextOf(status, "message");
            parts.Add(message.Length == 0 ? "status=ERROR" : $"status=ERROR \"{Short(message)}\"");
        }

        parts.AddRange(
            from attribute in ItemsOf(_span, "attributes")
            where named.Contains(TextOf(attribute, "key"))
            select $"{TextOf(attribute, "key")}={Short(ValueOf(attribute))}");

        foreach (var exception in ItemsOf(_span, "events").Where(item => TextOf(item, "name") == "exception"))
        {
            var message = ItemsOf(exception, "attributes").Where(item => TextOf(item, "key") == "exception.message").Select(ValueOf).FirstOrDefault();
            parts.Add(message is null ? "exception" : $"exception=\"{Short(message)}\"");
        }

        return string.Join(", ", parts.Distinct());
    }

    public void Dispose() => _document.Dispose();

    private static byte[] Within(int field, ReadOnlySpan<byte> message)
    {
        var outer = new ArrayBufferWriter<byte>(message.Length + 16);
        ProtoWriter.WriteLengthDelimited(outer, ProtoWriter.TagOf(field, WireType.LengthDelimited), message);
        return outer.WrittenSpan.ToArray();
    }

    /// <summary>None where the list is left out.</summary>
    private static JsonElement.ArrayEnumerator ItemsOf(JsonElement element, string list) =>
        element.TryGetProperty(list, out var items) ? items.EnumerateArray() : default;

    private static string TextOf(JsonElement element, string key) =>
        element.TryGetProperty(key, out var text) ? text.GetString()! : "";

    private static string ValueOf(JsonElement keyValue) => keyValue.TryGetProperty("value", out var value) ? AnyValueOf(value) : "";

    /// <summary>An <c>AnyValue</c>: an object of one member, whose name tells the type.</summary>
    private static string AnyValueOf(JsonElement value)
    {
        foreach (var member in value.EnumerateObject())
        {
            return member.Name switch
            {
                "arrayValue" => $"[{string.Join(", ", ItemsOf(member.Value, "values").Select(AnyValueOf))}]",
                "kvlistValue" => $"{{{string.Join(", ", ItemsOf(member.Value, "values").Select(pair => $"{TextOf(pair, "key")}: {ValueOf(pair)}"))}}}",
                _ => member.Value.ToString(),
            };
        }

        return "";
    }

    /// <summary>One line of at most <see cref="ValueLengthMax"/> characters.</summary>
    internal static string Short(string text)
    {
        var line = new StringBuilder(Math.Min(text.Length, ValueLengthMax));
        foreach (var character in text)
        {
            if (line.Length == ValueLengthMax)
            {
                return line.Append('…').ToString();
            }

            line.Append(char.IsControl(character) ? ' ' : character);
        }

        return line.ToString();
    }

    [GeneratedRegex("""attributes\["(?<key>[^"]+)"\]""", RegexOptions.CultureInvariant)]
    private static partial Regex AttributeKey();
}
