using System.Text.Json;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Cli.Scoreboard;

/// <summary>A failure that is known to show on a span.</summary>
/// <param name="VisibleIn">Where it shows: <c>status</c>, <c>attribute</c>, <c>span_event</c>, <c>log</c>, another span, natural language (<c>text</c>), or nowhere (<c>none</c>).</param>
internal sealed record SpanLabel(string Failure, SpanId SpanId, string VisibleIn)
{
    public const string Text = "text";
    public const string None = "none";
}

/// <summary>
/// One captured scenario with what is known to be wrong with it, of a file <c>NAME.expected.json</c>:
/// <code>
///   {"instrumentation": "...", "files": ["NAME.traces.otlp.pb", ...], "trace_labels": ["tool_error", ...],
///    "span_labels": [{"label": "tool_error", "span_id": "hex", "visible_in": "status"}, ...]}
/// </code>
/// </summary>
internal sealed record LabelledScenario(string Name, string Instrumentation, string[] Files, HashSet<string> TraceLabels, SpanLabel[] SpanLabels)
{
    public const string FileEnd = ".expected.json";

    /// <summary>The kinds that the payload shows somewhere; what else the trace is labelled with cannot be asked for.</summary>
    public HashSet<string> Shown =>
        [.. SpanLabels.Where(label => label.VisibleIn != SpanLabel.None).Select(label => label.Failure),
         .. TraceLabels.Where(label => label == FailureKind.Recovered)];

    /// <summary>Whether natural language alone shows the kind.</summary>
    public bool IsTextOnly(string kind)
    {
        var places = SpanLabels.Where(label => label.Failure == kind && label.VisibleIn != SpanLabel.None).Select(label => label.VisibleIn).ToList();
        return places.Count > 0 && places.TrueForAll(place => place == SpanLabel.Text);
    }

    /// <exception cref="ScenarioException">The file is not of that form.</exception>
    public static LabelledScenario Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var root = document.RootElement;
            var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            var instrumentation = root.GetProperty("instrumentation").GetString()!;
            return new LabelledScenario(
                $"{instrumentation}/{Path.GetFileName(path)[..^FileEnd.Length]}",
                instrumentation,
                [.. root.GetProperty("files").EnumerateArray().Select(file => Path.Combine(folder, file.GetString()!))],
                [.. root.GetProperty("trace_labels").EnumerateArray().Select(label => label.GetString()!)],
                [.. root.GetProperty("span_labels").EnumerateArray().Select(LabelOf)]);
        }
        catch (Exception malformed) when (malformed is JsonException or KeyNotFoundException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw new ScenarioException($"{path}: {malformed.Message}");
        }
    }

    private static SpanLabel LabelOf(JsonElement label) => new(
        label.GetProperty("label").GetString()!,
        SpanId.TryParse(label.GetProperty("span_id").GetString()!, out var id) ? id : throw new InvalidOperationException("a span_id is not 16 hex digits"),
        label.GetProperty("visible_in").GetString()!);
}

/// <summary>A scenario cannot be used; the message names the file.</summary>
internal sealed class ScenarioException(string message) : Exception(message);
