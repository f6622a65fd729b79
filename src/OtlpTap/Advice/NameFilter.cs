using OtlpTap.Otlp;

namespace OtlpTap.Advice;

/// <summary>A <see cref="NamePattern"/>. Empty admits every name, also none.</summary>
internal sealed record NameFilter(string Pattern)
{
    public static readonly NameFilter Any = new("");

    public bool Admits(string name) => Pattern.Length == 0 || NamePattern.IsMatch<char>(Pattern, name, ignoresCase: false);
}
