using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Rules;

namespace OtlpTap.Cli;

/// <summary>
/// What a reader needs to believe a verdict: the fields of the span that the matching conditions look at, with their
/// values, and what the span says of its own failure.
/// </summary>
internal static partial class SpanEvidence
{
    private const int ValueLengthMax = 200;

    public static string Of(Span span, IEnumerable<Rule> rules)
    {
        var named = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var rule in rules)
        {
            foreach (Match match in AttributeKey().Matches(rule.Condition))
            {
                named.Add(match.Groups["key"].Value);
            }
        }

        var parts = new List<string>();
        if (span.Status is { Code: Status.Types.StatusCode.Error } status)
        {
            parts.Add(status.Message.Length == 0 ? "status=ERROR" : $"status=ERROR \"{Short(status.Message)}\"");
        }

        foreach (var attribute in span.Attributes)
        {
            if (attribute.Key == "error.type" || named.Contains(attribute.Key))
            {
                parts.Add($"{attribute.Key}={Short(Text(attribute.Value))}");
            }
        }

        foreach (var exception in span.Events.Where(e => e.Name == "exception"))
        {
            var message = exception.Attributes.FirstOrDefault(a => a.Key == "exception.message");
            parts.Add(message is null ? "exception" : $"exception=\"{Short(Text(message.Value))}\"");
        }

        return string.Join(", ", parts.Distinct());
    }

    private static string Text(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue ? "true" : "false",
        AnyValue.ValueOneofCase.IntValue => value.IntValue.ToString(CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue.ToString(CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.BytesValue => Convert.ToHexStringLower(value.BytesValue.Span),
        AnyValue.ValueOneofCase.ArrayValue => $"[{string.Join(", ", value.ArrayValue.Values.Select(Text))}]",
        AnyValue.ValueOneofCase.KvlistValue => $"{{{string.Join(", ", value.KvlistValue.Values.Select(pair => $"{pair.Key}: {Text(pair.Value)}"))}}}",
        _ => "",
    };

    /// <summary>One line of at most <see cref="ValueLengthMax"/> characters.</summary>
    private static string Short(string text)
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
