namespace OtlpTap.Configuration;

internal enum Severity : byte
{
    /// <summary>The tap starts; what was written probably does not do what was meant.</summary>
    Warning,

    /// <summary>The tap does not start.</summary>
    Error,
}

/// <summary>
/// Something wrong in the configuration, as the operator reads it: <c>file:line:column: key.path: message</c>.
/// The path is the keys as they were typed; it is empty for what concerns a whole file.
/// </summary>
internal sealed record Problem(Severity Severity, Mark Mark, string Path, string Message)
{
    // A key or a value can be as long as the file; a line on a terminal cannot.
    private const int LengthMax = 1000;

    public override string ToString()
    {
        var warning = Severity == Severity.Warning ? "warning: " : "";
        var path = Path.Length == 0 ? "" : $"{Path}: ";
        var text = $"{Mark}: {warning}{path}{Message}";
        return text.Length <= LengthMax ? text : $"{text.AsSpan(0, LengthMax)}...";
    }
}
