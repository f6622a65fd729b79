using System.Collections.Immutable;
using System.Reflection;

namespace OtlpTap.Judges;

/// <summary>
/// What a chat model is told. Lines above one with <c>===</c> alone are the system's message, those below the user's;
/// without such a line all is the user's. <c>{{name}}</c> stands for a part of the run, see <see cref="Names"/>.
/// </summary>
internal sealed record PromptTemplate
{
    public const string Separator = "===";

    /// <summary>What may stand between the braces.</summary>
    public static readonly ImmutableArray<string> Names = ["user_input", "system_prompt", "messages", "tool_calls", "documents", "answer"];

    private PromptTemplate(string text) => Text = text;

    /// <summary>As it is written; what makes two of them equal.</summary>
    public string Text { get; }

    /// <summary>Asks whether the answer is supported by what the model was given.</summary>
    public static PromptTemplate Grounding { get; } = new(ReadEmbedded());

    /// <param name="problem">What is wrong with the text, for the operator.</param>
    public static PromptTemplate? Parse(string text, out string? problem)
    {
        var template = new PromptTemplate(text);
        var pieces = template.Parts().SelectMany(part => part).ToList();
        problem = pieces.FirstOrDefault(piece => piece.IsPlace && !Names.Contains(piece.Text)) is { Text: { } unknown }
            ? $"`{{{{{unknown}}}}}` is none of {string.Join(", ", Names.Select(name => $"`{{{{{name}}}}}`"))}"
            : pieces.Any(piece => piece is { IsPlace: true, Text: "answer" }) ? null : "`{{answer}}` must stand somewhere: it is what is judged";
        return problem is null ? template : null;
    }

    /// <summary>The system's message, where there is one, and the user's, with the run's parts in their places.</summary>
    /// <param name="valueOf">Each place is filled once: braces in what a run says mean nothing.</param>
    public IReadOnlyList<(string Role, string Content)> Fill(Func<string, string> valueOf)
    {
        var parts = Parts().Select(part => string.Concat(part.Select(piece => piece.IsPlace ? valueOf(piece.Text) : piece.Text)).Trim()).ToList();
        return parts is [var system, var user] ? [("system", system), ("user", user)] : [("user", parts[0])];
    }

    private IEnumerable<IEnumerable<(bool IsPlace, string Text)>> Parts()
    {
        var lines = Text.ReplaceLineEndings("\n").Split('\n');
        var separator = Array.FindIndex(lines, line => line.Trim() == Separator);
        return separator < 0
            ? [Pieces(string.Join('\n', lines))]
            : [Pieces(string.Join('\n', lines[..separator])), Pieces(string.Join('\n', lines[(separator + 1)..]))];
    }

    private static IEnumerable<(bool IsPlace, string Text)> Pieces(string text)
    {
        var at = 0;
        while (text.IndexOf("{{", at, StringComparison.Ordinal) is >= 0 and var open && text.IndexOf("}}", open, StringComparison.Ordinal) is >= 0 and var close)
        {
            yield return (false, text[at..open]);
            yield return (true, text[(open + 2)..close].Trim());
            at = close + 2;
        }

        yield return (false, text[at..]);
    }

    private static string ReadEmbedded()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("grounding.prompt.txt") ?? throw new InvalidOperationException("The build has left the prompt template out.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
