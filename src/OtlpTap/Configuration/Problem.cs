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
    public override string ToString()
    {
        var warning = Severity == Severity.Warning ? "warning: " : "";
        var path = Path.Length == 0 ? "" : $"{Path}: ";
        return $"{Mark}: {warning}{path}{Message}";
    }
}
