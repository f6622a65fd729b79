using OtlpTap.Runs.Json;

namespace OtlpTap.Runs.Telemetry;

/// <summary>The attributes of a span, an event or a log record. Of a repeated key the first counts.</summary>
internal sealed class AttributeSet(RunLimits limits)
{
    private readonly Dictionary<string, AttributeValue> _values = new(StringComparer.Ordinal);
    private Dictionary<string, JsonText?>? _json;

    public IEnumerable<KeyValuePair<string, AttributeValue>> All => _values;

    public int Count => _values.Count;

    public void Add(string key, AttributeValue value)
    {
        if (_values.Count < limits.AttributesMax)
        {
            _values.TryAdd(key, value);
        }
    }

    public bool Has(string key) => _values.ContainsKey(key);

    public AttributeValue Value(string key) => _values.GetValueOrDefault(key);

    /// <summary>What is there, as text; null where it is absent or empty.</summary>
    public string? Text(string key) =>
        _values.TryGetValue(key, out var value) && value.Kind != AttributeKind.None && value.Text is { Length: > 0 } text ? text : null;

    public string? FirstText(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (Text(key) is { } text)
            {
                return text;
            }
        }

        return null;
    }

    public long? FirstLong(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (Value(key).AsLong() is { } number)
            {
                return number;
            }
        }

        return null;
    }

    public bool IsText(string key, string text) => _values.TryGetValue(key, out var value) && value.Kind == AttributeKind.Text && value.String == text;

    /// <summary>What the attribute holds as JSON, be it cut off; none where it is no JSON.</summary>
    public JsonValue Json(string key)
    {
        if (!_values.TryGetValue(key, out var value) || value.Kind is not (AttributeKind.Text or AttributeKind.Structure) || value.String is not { } text)
        {
            return default;
        }

        if (_json is null || !_json.TryGetValue(key, out var json))
        {
            var first = text.AsSpan().TrimStart();
            json = first is ['{' or '[' or '"', ..] && JsonText.TryRead(text, limits, out var read) ? read : null;
            _json ??= new Dictionary<string, JsonText?>(StringComparer.Ordinal);
            _json.Add(key, json);
        }

        return json?.Root ?? default;
    }

    /// <summary>
    /// As <see cref="Text"/>, without the quotes around a text that was written as JSON (MLflow, Genkit, Strands do so).
    /// </summary>
    public string? Unquoted(string key) => Json(key) is { IsText: true } json ? json.TextOrNull : Text(key);
}
