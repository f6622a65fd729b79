using System.Text.RegularExpressions;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;

namespace OtlpTap.Tests.Rules;

/// <summary>Requests of one log record made of the parts of a random span, and conditions on spans said of log records.</summary>
internal static partial class RandomLog
{
    public static ExportLogsServiceRequest Next(Random random)
    {
        var traces = RandomSpan.Next(random).ResourceSpans[0];
        var span = traces.ScopeSpans[0].Spans[0];
        var record = new LogRecord
        {
            EventName = span.Name,
            SeverityNumber = (SeverityNumber)random.Next(4),
            SeverityText = span.Status?.Message ?? "",
            Attributes = { span.Attributes },
        };
        if (random.Next(4) > 0)
        {
            record.Body = random.Next(3) == 0 || span.Attributes.Count == 0
                ? new AnyValue { KvlistValue = new KeyValueList { Values = { span.Attributes } } }
                : span.Attributes[^1].Value ?? new AnyValue();
        }

        return new ExportLogsServiceRequest
        {
            ResourceLogs = { new ResourceLogs { Resource = traces.Resource, ScopeLogs = { new ScopeLogs { Scope = traces.ScopeSpans[0].Scope, LogRecords = { record } } } } },
        };
    }

    public static string ConditionNext(Random random)
    {
        var body = RandomSpan.Keys[random.Next(RandomSpan.Keys.Length)];
        var text = RandomCondition.Next(random, 3).ToOttl()
            .Replace("span.name", "log.event_name", StringComparison.Ordinal)
            .Replace("span.status.code", "log.severity_number", StringComparison.Ordinal)
            .Replace("status.message", "log.severity_text", StringComparison.Ordinal)
            .Replace($"span.attributes[\"{body}\"]", "log.body", StringComparison.Ordinal)
            .Replace("span.attributes", random.Next(2) == 0 ? "log.attributes" : "log.body", StringComparison.Ordinal);
        return Kind().Replace(text, "log.severity_number");
    }

    [GeneratedRegex("""\bkind\b""")]
    private static partial Regex Kind();
}
