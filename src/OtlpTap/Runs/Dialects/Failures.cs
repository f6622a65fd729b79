using OtlpTap.Runs.Telemetry;

namespace OtlpTap.Runs.Dialects;

/// <summary>How a span ended, where its dialect says so beside the status, and the exceptions that were told of it.</summary>
internal static class Failures
{
    private const int ExceptionsMax = 64;

    /// <summary>Attributes by which instrumentations that leave the status alone mark a failed span.</summary>
    private static readonly (string Key, string Value)[] Marks =
    [
        ("langfuse.observation.level", "ERROR"),
        ("gen_ai.tool.status", "error"),
        ("genkit:state", "error"),
        ("mlflow.spanStatus", "ERROR"),
    ];

    public static StepStatus Status(SpanRecord span)
    {
        foreach (var (key, value) in Marks)
        {
            if (span.Attributes.IsText(key, value))
            {
                return StepStatus.Error;
            }
        }

        return span.Status;
    }

    public static string StatusMessage(SpanRecord span) =>
        span.StatusMessage.Length > 0 ? span.StatusMessage : span.Attributes.FirstText("langfuse.observation.status_message", "error.message", "ai.error.message") ?? "";

    public static IReadOnlyList<RaisedException> Exceptions(SpanRecord span, IReadOnlyList<EventRecord> logs)
    {
        List<RaisedException>? exceptions = null;
        foreach (var record in span.Events)
        {
            Add(record, record.Name == "exception", ref exceptions);
        }

        foreach (var record in logs)
        {
            Add(record, record.Name is "exception" or "gen_ai.client.operation.exception", ref exceptions);
        }

        return exceptions ?? [];
    }

    private static void Add(EventRecord record, bool isException, ref List<RaisedException>? exceptions)
    {
        var attributes = record.Attributes;
        if ((!isException && !attributes.Has("exception.type") && !attributes.Has("exception.message")) || exceptions?.Count == ExceptionsMax)
        {
            return;
        }

        var exception = new RaisedException(attributes.Text("exception.type") ?? "", attributes.Text("exception.message") ?? "", attributes.Text("exception.stacktrace") ?? "");
        exceptions ??= [];
        if (!exceptions.Exists(known => known.Message == exception.Message && SameType(known.Type, exception.Type)))
        {
            exceptions.Add(exception);
        }
    }

    // Loggers give the short name where spans give the full one.
    private static bool SameType(string one, string other) =>
        one == other || one.EndsWith("." + other, StringComparison.Ordinal) || other.EndsWith("." + one, StringComparison.Ordinal);
}
