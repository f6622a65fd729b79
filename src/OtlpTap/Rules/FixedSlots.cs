namespace OtlpTap.Rules;

internal static class FixedSlots
{
    public const int ServiceName = 0;
    public const int ScopeName = 1;
    public const int ScopeVersion = 2;
    public const int SpanName = 3;
    public const int SpanKind = 4;
    public const int StatusCode = 5;
    public const int StatusMessage = 6;
    public const int SpanTagged = 7;
    public const int EventName = 8;
    public const int Count = 9;
}

internal readonly record struct SlotRange(int Start, int Count);
