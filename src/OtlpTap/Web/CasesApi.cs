namespace OtlpTap.Web;

/// <summary>Which cases somebody wants to see.</summary>
/// <param name="Statuses">Empty: of whatever status.</param>
/// <param name="After">Where the page before ended; null: the first page.</param>
internal sealed record CaseQuery(IReadOnlyList<string> Statuses, string? Failure, string? Agent, string? Service, int Limit, string? After);

/// <summary>What somebody says of a case.</summary>
/// <param name="Version">With <c>fixed</c>: the version that has the fix.</param>
/// <param name="IfTag">Only where the case's file is still this one.</param>
internal sealed record CaseEdit(string Status, string? Reason, string? Version, string? IfTag);

/// <summary>What became of a request for cases.</summary>
internal enum CaseAnswer
{
    Done,

    /// <summary>There is no such case, or no such place to go on from.</summary>
    NotFound,

    /// <summary>The case is of the first format, which has no status.</summary>
    HasNoStatus,

    /// <summary>The case's file is another one by now.</summary>
    Changed,

    /// <summary>Somebody broke the case's file.</summary>
    Broken,

    /// <summary>The folder can be neither read nor written just now.</summary>
    Unavailable,
}

/// <param name="Json">A whole document, where it is done.</param>
/// <param name="Tag">Names the case's file as it is.</param>
/// <param name="Problem">Why it is not done, for people.</param>
internal sealed record CaseReply(CaseAnswer Answer, ReadOnlyMemory<byte> Json = default, string? Tag = null, string Problem = "");

/// <summary>The folder of cases, as the API sees it.</summary>
/// <param name="List">A page of cases.</param>
/// <param name="Read">One case, by its fingerprint.</param>
/// <param name="Change">Changes a case's life.</param>
internal sealed record CasesApi(
    Func<CaseQuery, CancellationToken, Task<CaseReply>> List,
    Func<string, CancellationToken, Task<CaseReply>> Read,
    Func<string, CaseEdit, CancellationToken, Task<CaseReply>> Change);
