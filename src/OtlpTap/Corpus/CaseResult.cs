namespace OtlpTap.Corpus;

/// <summary>What became of a capture.</summary>
internal enum CaseOutcome
{
    Written,

    /// <summary>The case was there and has now more in it.</summary>
    Updated,

    /// <summary>The case was fixed, and here it is again.</summary>
    Regressed,

    /// <summary>One occurrence more of a case that is there; nothing in it is new.</summary>
    Counted,

    /// <summary>Everything was in the case already, as after a client's retry, or people removed the case.</summary>
    Unchanged,

    /// <summary>Nothing of the trace is in the recorder.</summary>
    NotRecorded,

    /// <summary>The folder has its size.</summary>
    DirectoryFull,

    /// <summary>As many new cases as an hour may bring were written.</summary>
    HourlyLimit,
}

internal readonly record struct CaseResult(CaseOutcome Outcome, string Failure = "", string Path = "");
