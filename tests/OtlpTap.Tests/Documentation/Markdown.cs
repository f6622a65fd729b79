using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace OtlpTap.Tests.Documentation;

/// <summary>A page of the repository and what in it can be tried.</summary>
internal sealed partial record Markdown(string Path, string Text)
{
    public static Markdown Read(string path) => new(path, File.ReadAllText(InRepository(path)));

    public static string InRepository(string path, [CallerFilePath] string thisFile = "") =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(thisFile)!, "../../..", path));

    /// <summary>The fenced blocks of a language, in order.</summary>
    public IEnumerable<string> Blocks(string language) =>
        from Match block in Fence().Matches(Text)
        where block.Groups["language"].Value == language
        select block.Groups["text"].Value;

    /// <summary>The commands of all shell blocks, one a line.</summary>
    public IEnumerable<string> Commands() => Blocks("sh").SelectMany(block => block.Split('\n', StringSplitOptions.RemoveEmptyEntries));

    public IEnumerable<string> Links() => Link().Matches(Text).Select(link => link.Groups["target"].Value);

    /// <summary>Links to a heading: the page as it is written, empty for this one, and the heading's name in an address.</summary>
    public IEnumerable<(string Page, string Heading)> HeadingLinks() => HeadingLink().Matches(Text).Select(link => (link.Groups["target"].Value, link.Groups["heading"].Value));

    /// <summary>The headings as addresses name them: small letters, blanks as hyphens, no other signs.</summary>
    public IEnumerable<string> Headings() => Heading().Matches(Text).Select(heading => NoWord().Replace(heading.Groups["text"].Value.ToLowerInvariant(), "").Replace(' ', '-'));

    /// <summary>What is named in code font and looks like a file of the repository.</summary>
    public IEnumerable<string> Paths() => FilePath().Matches(Text).Select(path => path.Groups["path"].Value);

    public IEnumerable<string> Metrics() => Metric().Matches(Text).Select(metric => metric.Value).Distinct();

    [GeneratedRegex(@"^```(?<language>[a-z]*)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"\]\((?<target>[^)#]+)(#[^)]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\]\((?<target>[^)#:]*)#(?<heading>[^)]+)\)")]
    private static partial Regex HeadingLink();

    [GeneratedRegex(@"^#+ (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NoWord();

    [GeneratedRegex(@"`(?<path>(src|tests|docs|config|\.ci)/[^`\s]+)`")]
    private static partial Regex FilePath();

    [GeneratedRegex(@"\b(otlptap|otelcol)_[a-z_]*[a-z]\b(?!\*|_)")]
    private static partial Regex Metric();
}
