using System.Text.Json;
using OtlpTap.Corpus;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>What a folder of cases says it has seen.</summary>
/// <param name="Occurrences">Failing traces, by the tool that failed.</param>
/// <param name="OfHealthyTraces">Trace ids of such cases whose traces did not fail.</param>
/// <param name="Others">Cases of other kinds of failure, by the kind: what detectors think of texts made by chance.</param>
internal sealed record KeptCases(IReadOnlyDictionary<string, long> Occurrences, IReadOnlyList<string> OfHealthyTraces, IReadOnlyDictionary<string, long> Others)
{
    private const string ToolError = "tool_error";

    public static KeptCases Read(string folder)
    {
        var occurrences = new Dictionary<string, long>(StringComparer.Ordinal);
        var others = new Dictionary<string, long>(StringComparer.Ordinal);
        var healthy = new List<string>();
        foreach (var file in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "case.json", SearchOption.AllDirectories) : [])
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var root = document.RootElement;
            var failure = root.GetProperty("failure").GetString()!;
            var isToolError = failure == ToolError;
            var (counts, name) = isToolError ? (occurrences, root.GetProperty("group").GetProperty("subject").GetString()!) : (others, failure);
            counts[name] = counts.GetValueOrDefault(name) + CountOf(Path.Combine(Path.GetDirectoryName(file)!, "seen.json"));
            healthy.AddRange(isToolError ? TracesOf(root).Where(id => !TraceStream.IsFailing(id)) : []);
        }

        return new KeptCases(occurrences, healthy, others);
    }

    // The file is absent where a case was seen once.
    private static long CountOf(string file) =>
        !File.Exists(file) ? 1
        : SeenFile.TryRead(File.ReadAllBytes(file), out var seen, out var problem) ? seen!.Count
        : throw new InvalidOperationException($"{file}: {problem}");

    private static IEnumerable<string> TracesOf(JsonElement root)
    {
        yield return root.GetProperty("trace_id").GetString()!;
        foreach (var trace in root.TryGetProperty("traces", out var traces) ? traces.EnumerateArray() : default)
        {
            yield return trace.GetProperty("trace_id").GetString()!;
        }
    }
}
