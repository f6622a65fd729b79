using OtlpTap.Runs.Json;

namespace OtlpTap.Runs.Content;

/// <summary>Whether a tool's result says itself, in its structure, that the tool failed.</summary>
internal static class ToolFailures
{
    public static bool Says(JsonValue result)
    {
        if (!result.IsObject)
        {
            return false;
        }

        return result["isError"].IsTruthy
            || result["is_error"].IsTruthy
            || (result["error"] is { IsTruthy: true } error && !IsNo(error))
            || (result["status"] is { IsText: true } status && status.Text.Equals("error", StringComparison.OrdinalIgnoreCase))
            || (result["type"] is { IsText: true } type && type.Text.StartsWith("error-", StringComparison.Ordinal))
            || (result["kwargs"] is { IsObject: true } message && Says(message))
            || (result["output"] is { IsObject: true } output && Says(output));
    }

    public static bool Says(string? result, RunLimits limits) =>
        result is not null && JsonText.TryReadWhole(result, limits, out var json) && Says(json.Root);

    private static bool IsNo(JsonValue error) => error.IsText && error.Text.Trim().ToLowerInvariant() is "none" or "null" or "false" or "no";
}
