using System.Globalization;
using System.Text;
using System.Text.Json;
using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Evaluations;

/// <summary>
/// The attributes of one item that holds evaluations, by name, first of equal ones; with what lies in structured values and
/// in JSON texts flattened into them. Values are texts, doubles (also of ints) and bools. Bounded whatever comes in.
/// </summary>
internal sealed class Attributes
{
    private const int CountMax = 1024;

    /// <summary>Longer texts are cut: an explanation is shorter, and an evaluator's JSON result as well.</summary>
    private const int TextBytesMax = 64 << 10;

    private const int DepthMax = 8;

    private readonly Dictionary<string, object> _values = new(StringComparer.Ordinal);

    public IEnumerable<KeyValuePair<string, object>> All => _values;

    public bool Has(string key) => _values.ContainsKey(key);

    public object? this[string key] => _values.GetValueOrDefault(key);

    public string? Text(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (_values.GetValueOrDefault(key) is { } value)
            {
                var text = value switch { string s => s, bool truth => truth ? "true" : "false", double number => number.ToString(CultureInfo.InvariantCulture), _ => "" };
                if (text.Length > 0)
                {
                    return text;
                }
            }
        }

        return null;
    }

    public double? Number(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (NumberOf(_values.GetValueOrDefault(key)) is { } number)
            {
                return number;
            }
        }

        return null;
    }

    public static double? NumberOf(object? value) => value switch
    {
        double number => number,
        bool truth => truth ? 1 : 0,
        string text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

    public void Add(string key, object value)
    {
        if (_values.Count < CountMax)
        {
            _values.TryAdd(key, value);
        }
    }

    /// <summary>Adds one serialized <c>KeyValue</c>.</summary>
    public void AddKeyValue(ReadOnlySpan<byte> keyValue, string prefix = "", int depth = 0)
    {
        var reader = new ProtoReader(keyValue);
        var key = "";
        ReadOnlySpan<byte> value = default;
        while (reader.Next())
        {
            if (reader.WireType != WireType.LengthDelimited)
            {
                continue;
            }

            if (reader.FieldNumber == OtlpFields.KeyValue.Key)
            {
                key = Encoding.UTF8.GetString(reader.Value[..Math.Min(reader.Value.Length, 256)]);
            }
            else if (reader.FieldNumber == OtlpFields.KeyValue.Value)
            {
                value = reader.Value;
            }
        }

        AddValue(prefix.Length == 0 ? key : $"{prefix}.{key}", value, depth);
    }

    /// <summary>Adds a serialized <c>AnyValue</c>: a list of keys and values flattened behind <paramref name="key"/>.</summary>
    public void AddValue(string key, ReadOnlySpan<byte> anyValue, int depth = 0)
    {
        var reader = new ProtoReader(anyValue);
        while (reader.Next())
        {
            switch ((reader.FieldNumber, reader.WireType))
            {
                case (OtlpFields.AnyValue.StringValue, WireType.LengthDelimited):
                    Add(key, Encoding.UTF8.GetString(reader.Value[..Math.Min(reader.Value.Length, TextBytesMax)]));
                    break;
                case (OtlpFields.AnyValue.BoolValue, WireType.Varint):
                    Add(key, reader.Varint != 0);
                    break;
                case (OtlpFields.AnyValue.IntValue, WireType.Varint):
                    Add(key, (double)(long)reader.Varint);
                    break;
                case (OtlpFields.AnyValue.DoubleValue, WireType.Fixed64):
                    Add(key, BitConverter.UInt64BitsToDouble(reader.Fixed64));
                    break;
                case (OtlpFields.AnyValue.KvlistValue, WireType.LengthDelimited) when depth < DepthMax:
                    AddList(key, reader.Value, depth);
                    break;
            }
        }
    }

    /// <summary>Adds what a JSON object holds, nested names joined by dots. False when it is none.</summary>
    public bool TryAddJson(string json, string prefix = "")
    {
        if (Parse(json) is not { } document)
        {
            return false;
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            AddJson(document.RootElement, prefix);
            return true;
        }
    }

    public void AddJson(JsonElement element, string prefix)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                {
                    AddJson(property.Value, prefix.Length == 0 ? property.Name : $"{prefix}.{property.Name}");
                }

                break;
            case JsonValueKind.String:
                Add(prefix, element.GetString()!);
                break;
            case JsonValueKind.Number when element.TryGetDouble(out var number):
                Add(prefix, number);
                break;
            case JsonValueKind.True or JsonValueKind.False:
                Add(prefix, element.GetBoolean());
                break;
        }
    }

    /// <summary>Null when it is no JSON; also when it was cut, or is nested as no result is.</summary>
    public static JsonDocument? Parse(string json)
    {
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = DepthMax });
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException) // the latter: half a surrogate pair
        {
            return null;
        }
    }

    private void AddList(string key, ReadOnlySpan<byte> list, int depth)
    {
        var reader = new ProtoReader(list);
        while (reader.Next())
        {
            if (reader is { FieldNumber: OtlpFields.KeyValueList.Values, WireType: WireType.LengthDelimited } && _values.Count < CountMax)
            {
                AddKeyValue(reader.Value, key, depth + 1);
            }
        }
    }
}
