using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Detectors;
using OtlpTap.Detectors.Grounding;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Detectors;

/// <summary>The detector on captured telemetry: it finds what stands in the text, and is quiet on all other runs.</summary>
public sealed class GroundingFixturesTests(ITestOutputHelper output)
{
    [Fact]
    public void Answers_that_contradict_their_inputs_are_found_in_captured_runs_and_others_are_left_alone()
    {
        var root = Path.Combine(AppContext.BaseDirectory, "fixtures");
        var (expected, found, wrong) = (0, 0, new List<string>());
        foreach (var file in Directory.GetFiles(root, "*.expected.json", SearchOption.AllDirectories).Order())
        {
            var start = file[..^".expected.json".Length];
            var traces = Joined(start, "traces");
            if (traces.Length == 0)
            {
                continue;
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var labels = document.RootElement.GetProperty("trace_labels").EnumerateArray().Select(label => label.GetString()).ToList();
            var spans = document.RootElement.GetProperty("span_labels").EnumerateArray()
                .Where(label => label.GetProperty("label").GetString() == FailureKind.Hallucination && label.GetProperty("visible_in").GetString() == "text")
                .Select(label => label.GetProperty("span_id").GetString()).ToList();
            var verdicts = AgentRunReader.Read(traces, Joined(start, "logs"), RunLimits.Default).SelectMany(Judge).ToList();
            expected += spans.Count;
            var hits = verdicts.Count(verdict => spans.Contains(verdict.SpanId.ToString()));
            found += hits;
            if (hits < spans.Count)
            {
                output.WriteLine($"missed: {Path.GetRelativePath(root, start)}");
            }

            // Captures about feedback reuse an unsupported answer and are labelled for what people said of it.
            wrong.AddRange(verdicts.Where(_ => !labels.Contains(FailureKind.Hallucination) && !labels.Contains(FailureKind.NegativeFeedback)).Select(verdict => $"{Path.GetRelativePath(root, start)}: {verdict.Explanation}"));
        }

        output.WriteLine($"{found} of {expected} found, {wrong.Count} wrong");
        wrong.ForEach(output.WriteLine);
        Assert.Empty(wrong);
        Assert.True(found >= expected * 0.85, $"{found} of {expected}");
    }

    private static IReadOnlyList<Verdict> Judge(AgentRun run)
    {
        var context = new DetectionContext(run, [], new FakeTimeProvider(), TimeSpan.FromMinutes(1));
        new GroundingDetector(new GroundingOptions()).Examine(run, context);
        return context.Verdicts;
    }

    private static byte[] Joined(string start, string signal) =>
        [.. Directory.GetFiles(Path.GetDirectoryName(start)!, $"{Path.GetFileName(start)}.{signal}*.otlp.pb").Order().SelectMany(File.ReadAllBytes)];
}
