namespace OtlpTap.Rules;

/// <summary>How bad a match is, in the words of <c>severity</c>; the larger the worse.</summary>
internal enum RuleSeverity : byte
{
    /// <summary>No failure, or nothing that anyone need look at: a mark.</summary>
    Info,
    Warning,
    Error,
    Critical,
}

internal static class RuleSeverities
{
    public static readonly (string Name, RuleSeverity Value)[] All =
        [("info", RuleSeverity.Info), ("warning", RuleSeverity.Warning), ("error", RuleSeverity.Error), ("critical", RuleSeverity.Critical)];

    public static bool TryParse(string name, out RuleSeverity severity)
    {
        foreach (var (known, value) in All)
        {
            if (known == name)
            {
                severity = value;
                return true;
            }
        }

        severity = RuleSeverity.Error;
        return false;
    }

    public static string Name(this RuleSeverity severity) => All[(int)severity].Name;
}
