using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Printing;

/// <summary>Requests as people read them. Goes by way of OTLP/JSON, which has ids in hex and fields by name: a console is no hot path.</summary>
internal static class RequestText
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true };

    // As deep as the writer goes: the default of the reader, 64, ends before OTLP's own bound does.
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 1000 };

    /// <summary><c>traces: 1 resource, 12 spans</c></summary>
    public static string Summary(Signal signal, ReadOnlySpan<byte> request, long items)
    {
        var (name, one, many) = signal switch
        {
            Signal.Traces => ("traces", "span", "spans"),
            Signal.Logs => ("logs", "log record", "log records"),
            _ => ("metrics", "data point", "data points"),
        };
        var resources = ItemCount.OfResources(request);
        return string.Create(CultureInfo.InvariantCulture, $"{name}: {resources} {(resources == 1 ? "resource" : "resources")}, {items} {(items == 1 ? one : many)}");
    }

    /// <summary>All of it, as indented OTLP/JSON.</summary>
    public static string Whole(Signal signal, ReadOnlySpan<byte> request) => Encoding.UTF8.GetString(Json(signal, request, Readable).WrittenSpan);

    /// <summary>A line for each resource, scope and item, each a step further in.</summary>
    public static string Lines(Signal signal, ReadOnlySpan<byte> request)
    {
        using var json = JsonDocument.Parse(Json(signal, request, default).WrittenMemory, Deep);
        var text = new StringBuilder();
        var (resources, scopes, items) = signal switch
        {
            Signal.Traces => ("resourceSpans", "scopeSpans", "spans"),
            Signal.Logs => ("resourceLogs", "scopeLogs", "logRecords"),
            _ => ("resourceMetrics", "scopeMetrics", "metrics"),
        };
        foreach (var resource in Elements(json.RootElement, resources))
        {
            text.Append("  resource");
            AppendAttributes(text, Member(resource, "resource"));
            text.AppendLine();
            foreach (var scope in Elements(resource, scopes))
            {
                AppendScope(text, Member(scope, "scope"));
                foreach (var item in Elements(scope, items))
                {
                    AppendItem(text, signal, item);
                }
            }
        }

        return text.ToString();
    }

    private static ArrayBufferWriter<byte> Json(Signal signal, ReadOnlySpan<byte> request, JsonWriterOptions options)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(bytes, options);
        OtlpJson.Write(signal, request, json);
        return bytes;
    }

    private static void AppendScope(StringBuilder text, JsonElement scope)
    {
        text.Append("    scope ");
        AppendText(text, scope, "name");
        if (scope.ValueKind == JsonValueKind.Object && scope.TryGetProperty("version", out _))
        {
            text.Append('@');
            AppendText(text, scope, "version");
        }

        AppendAttributes(text, scope);
        text.AppendLine();
    }

    private static void AppendItem(StringBuilder text, Signal signal, JsonElement item)
    {
        switch (signal)
        {
            case Signal.Traces:
                AppendSpan(text, item);
                break;
            case Signal.Logs:
                AppendLog(text, item);
                break;
            default:
                AppendMetric(text, item);
                break;
        }
    }

    private static void AppendSpan(StringBuilder text, JsonElement span)
    {
        text.Append("      span ");
        AppendText(text, span, "name");
        text.Append(' ');
        AppendText(text, span, "traceId");
        text.Append(' ');
        AppendText(text, span, "spanId");
        if (Member(Member(span, "status"), "code") is { ValueKind: JsonValueKind.Number } code)
        {
            text.Append(code.GetInt32() == 2 ? " ERROR" : " OK");
        }

        AppendAttributes(text, span);
        text.AppendLine();
    }

    private static void AppendLog(StringBuilder text, JsonElement record)
    {
        text.Append("      log ");
        AppendText(text, record, "severityText");
        text.Append(' ');
        AppendText(text, record, "eventName");
        text.Append(' ');
        AppendValue(text, Member(record, "body"));
        AppendAttributes(text, record);
        text.AppendLine();
    }

    private static void AppendMetric(StringBuilder text, JsonElement metric)
    {
        foreach (var data in metric.EnumerateObject().Where(member => member.Value.ValueKind == JsonValueKind.Object))
        {
            foreach (var point in Elements(data.Value, "dataPoints"))
            {
                text.Append("      point ");
                AppendText(text, metric, "name");
                AppendAttributes(text, point);
                foreach (var name in (ReadOnlySpan<string>)["asDouble", "asInt", "count", "sum"])
                {
                    if (point.TryGetProperty(name, out var value))
                    {
                        text.Append(' ').Append(name).Append('=').Append(value);
                    }
                }

                text.AppendLine();
            }
        }
    }

    private static void AppendAttributes(StringBuilder text, JsonElement owner)
    {
        foreach (var attribute in Elements(owner, "attributes"))
        {
            text.Append(' ');
            AppendText(text, attribute, "key");
            text.Append('=');
            AppendValue(text, Member(attribute, "value"));
        }
    }

    private static void AppendValue(StringBuilder text, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (var kind in value.EnumerateObject())
        {
            switch (kind.Name)
            {
                case "arrayValue":
                    AppendList(text, '[', kind.Value, ']', static (text, element) => AppendValue(text, element));
                    break;
                case "kvlistValue":
                    AppendList(text, '{', kind.Value, '}', static (text, element) =>
                    {
                        AppendText(text, element, "key");
                        text.Append('=');
                        AppendValue(text, Member(element, "value"));
                    });
                    break;
                default:
                    AppendEscaped(text, kind.Value.ToString());
                    break;
            }
        }
    }

    private static void AppendList(StringBuilder text, char open, JsonElement list, char close, Action<StringBuilder, JsonElement> append)
    {
        text.Append(open);
        var isFirst = true;
        foreach (var element in Elements(list, "values"))
        {
            text.Append(isFirst ? "" : ", ");
            isFirst = false;
            append(text, element);
        }

        text.Append(close);
    }

    private static void AppendText(StringBuilder text, JsonElement owner, string member) => AppendEscaped(text, Member(owner, member).ToString());

    // A value must not begin a line of its own, or speak to the terminal.
    private static void AppendEscaped(StringBuilder text, string value)
    {
        foreach (var c in value)
        {
            if (char.IsControl(c))
            {
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
            else
            {
                text.Append(c);
            }
        }
    }

    private static JsonElement Member(JsonElement owner, string name) =>
        owner.ValueKind == JsonValueKind.Object && owner.TryGetProperty(name, out var member) ? member : default;

    private static JsonElement.ArrayEnumerator Elements(JsonElement owner, string name) =>
        Member(owner, name) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : default;
}
