using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>
/// By what telemetry that a tap made itself is known. It is about other spans: no tap judges it, tags it or takes it for a
/// step of an agent, whichever tap of a chain made it.
/// </summary>
internal static class TapTelemetry
{
    /// <summary>The instrumentation scope.</summary>
    public const string ScopeName = "otlptap";

    /// <summary>The span that says what was found in another one.</summary>
    public const string VerdictSpanName = "otlptap.verdict";

    public static ReadOnlySpan<byte> ScopeNameUtf8 => "otlptap"u8;

    /// <summary>Whether a tap made all that is in a <c>ScopeSpans</c> or <c>ScopeLogs</c>. False for malformed ones.</summary>
    public static bool IsIn(ReadOnlySpan<byte> scopeItems)
    {
        var isOwn = false;
        var fields = new ProtoReader(scopeItems);
        while (fields.Next())
        {
            if (fields is not { FieldNumber: OtlpFields.ScopeSpans.Scope, WireType: WireType.LengthDelimited })
            {
                continue;
            }

            var scope = new ProtoReader(fields.Value);
            while (scope.Next())
            {
                if (scope is { FieldNumber: OtlpFields.Scope.Name, WireType: WireType.LengthDelimited })
                {
                    isOwn = scope.Value.SequenceEqual(ScopeNameUtf8);
                }
            }
        }

        return isOwn && !fields.IsMalformed;
    }
}
