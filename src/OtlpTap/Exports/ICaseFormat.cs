namespace OtlpTap.Exports;

/// <summary>The form in which some other tool takes cases.</summary>
internal interface ICaseFormat
{
    /// <summary>As it is typed behind <c>--format</c>.</summary>
    string Name { get; }

    /// <summary>Whether a case is of use only where it can be run again.</summary>
    bool IsForReruns { get; }

    /// <summary>Writes all of them; the same cases make the same bytes.</summary>
    void Write(IReadOnlyList<ExportedCase> cases, ExportOptions options, Stream output);
}
