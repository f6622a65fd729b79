namespace OtlpTap.Corpus;

/// <summary>Where a case is in its life. The names, in lower case, stand in case files.</summary>
internal enum CaseStatus
{
    Open,

    /// <summary>A rerun passed, or somebody says so.</summary>
    Fixed,

    /// <summary>Seen again in production after it was fixed.</summary>
    Regressed,

    /// <summary>Nobody wants to hear of it: occurrences are counted and nothing else.</summary>
    Muted,

    /// <summary>What is meant to happen, with a reason; counted as <see cref="Muted"/>.</summary>
    Expected,
}

internal static class CaseStatusNames
{
    public static string Name(this CaseStatus status) => status switch
    {
        CaseStatus.Fixed => "fixed",
        CaseStatus.Regressed => "regressed",
        CaseStatus.Muted => "muted",
        CaseStatus.Expected => "expected",
        _ => "open",
    };

    public static CaseStatus? Parse(string? name) => name switch
    {
        "open" => CaseStatus.Open,
        "fixed" => CaseStatus.Fixed,
        "regressed" => CaseStatus.Regressed,
        "muted" => CaseStatus.Muted,
        "expected" => CaseStatus.Expected,
        _ => null,
    };
}

/// <summary>The life of a case so far.</summary>
/// <param name="Since">When it got its status, by the clock of who gave it; null: it never had another.</param>
/// <param name="Reason">Why, in people's words.</param>
/// <param name="FixedIn">The version of the service that has the fix; of a regressed case the one that had it.</param>
internal sealed record CaseLife(CaseStatus Status, DateTimeOffset? Since = null, string? Reason = null, string? FixedIn = null)
{
    public static readonly CaseLife Open = new(CaseStatus.Open);

    public bool IsQuiet => Status is CaseStatus.Muted or CaseStatus.Expected;

    /// <summary>
    /// Whether an occurrence means that the fix does not hold. A version older than the fix's is a machine that nobody has
    /// updated yet; where versions say nothing, the time of the occurrence does.
    /// </summary>
    /// <param name="version">Of the service that failed; empty where it says none.</param>
    /// <param name="versionsBefore">In which the case was seen before it was fixed.</param>
    /// <param name="at">When the trace began, by its sender's clock.</param>
    public bool IsRegression(string version, IReadOnlyCollection<string> versionsBefore, DateTimeOffset at)
    {
        if (Status != CaseStatus.Fixed || (Since is { } since && at <= since))
        {
            return false;
        }

        if (version.Length == 0)
        {
            return true;
        }

        if (FixedIn is { Length: > 0 } fixedIn)
        {
            return version == fixedIn || (ServiceVersion.Compare(version, fixedIn) is { } order ? order >= 0 : !versionsBefore.Contains(version));
        }

        // Nobody said which version has the fix: those in which it failed have not.
        return !versionsBefore.Contains(version);
    }
}
