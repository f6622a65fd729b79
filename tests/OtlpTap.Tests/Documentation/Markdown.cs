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

    /// <summary>What is named in code font and looks like a file of the repository.</summary>
    public IEnumerable<string> Paths() => FilePath().Matches(Text).Select(path => path.Groups["path"].Value);

    public IEnumerable<string> Metrics() => Metric().Matches(Text).Select(metric => metric.Value).Distinct();

    [GeneratedRegex(@"^```(?<language>[a-z]*)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"\]\((?<target>[^)#]+)(#[^)]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`(?<path>(src|tests|docs|config|\.ci)/[^`\s]+)`")]
    private static partial Regex FilePath();

    [GeneratedRegex(@"\botlptap_[a-z_]+\b")]
    private static partial Regex Metric();
}
