namespace OtlpTap.Rules;

/// <summary>The slots that are there whatever the rules ask for; those of attributes follow.</summary>
internal static class FixedSlots
{
    /// <summary>The resource attribute <c>service.name</c>.</summary>
    public const int ServiceName = 0;
    public const int ScopeName = 1;
    public const int ScopeVersion = 2;
    public const int SpanName = 3;
    public const int SpanKind = 4;
    public const int StatusCode = 5;
    public const int StatusMessage = 6;

    /// <summary>The span attribute <c>otlptap.failure</c>: another tap has tagged the span before.</summary>
    public const int SpanTagged = 7;
    public const int EventName = 8;
    public const int LogEventName = 9;
    public const int LogSeverityNumber = 10;
    public const int LogSeverityText = 11;

    /// <summary>Of any kind, as an attribute's value.</summary>
    public const int LogBody = 12;

    /// <summary>The log record's attribute <c>otlptap.failure</c>.</summary>
    public const int LogTagged = 13;
    public const int Count = 14;
}
