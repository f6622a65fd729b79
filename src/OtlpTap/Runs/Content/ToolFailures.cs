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
            || (result["error"] is { IsTruthy: true } error && !IsNo(error) && !IsState(result.First("status", "state")))
            || (result["status"] is { IsText: true } status && status.Text.Equals("error", StringComparison.OrdinalIgnoreCase))
            || (result["type"] is { IsText: true } type && type.Text.StartsWith("error-", StringComparison.Ordinal))
            || (result["kwargs"] is { IsObject: true } message && Says(message))
            || (result["output"] is { IsObject: true } output && Says(output));
    }

    public static bool Says(string? result, RunLimits limits) =>
        result is not null && JsonText.TryReadWhole(result, limits, out var json) && Says(json.Root);

    // Of something that the result tells of: a run that was aborted, a payment that was declined, each with its error.
    private static bool IsState(JsonValue status) =>
        status.IsText && status.Text.ToLowerInvariant() is not ("error" or "failure" or "failed" or "fail" or "ko" or "unavailable" or "not_found" or "timeout");

    private static bool IsNo(JsonValue error) => error.IsText && error.Text.Trim().ToLowerInvariant() is "none" or "null" or "false" or "no";
}
