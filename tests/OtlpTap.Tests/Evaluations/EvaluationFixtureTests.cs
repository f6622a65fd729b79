using System.Buffers;
using System.Text.Json;
using OtlpTap.Evaluations;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Evaluations;

/// <summary>Payloads captured from real instrumentations: those with evaluations or feedback give what they are labelled with, all others nothing.</summary>
public sealed class EvaluationFixtureTests
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures");

    /// <summary>What the scenarios with evaluations are called.</summary>
    private static readonly string[] Evaluated = ["eval-", "feedback-", "evaluator-", "guardrail-"];

    public static TheoryData<string> Scenarios() =>
        [.. Directory.EnumerateFiles(Fixtures, "*.expected.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => Path.GetRelativePath(Fixtures, file)[..^".expected.json".Length])];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void A_captured_payload_gives_the_verdicts_of_its_labels_and_no_others(string scenario)
    {
        using var expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(Fixtures, scenario + ".expected.json")));
        var labels = Evaluated.Any(Path.GetFileName(scenario)!.StartsWith)
            ? expected.RootElement.GetProperty("span_labels").EnumerateArray().Select(label => $"{label.GetProperty("trace_id").GetString()} {label.GetProperty("span_id").GetString()} {label.GetProperty("label").GetString()}")
            : [];

        var verdicts = EvaluationPass.Read(Request(scenario, expected, Signal.Traces), Request(scenario, expected, Signal.Logs), new EvaluationOptions());

        Assert.Equal(labels.Order(StringComparer.Ordinal), verdicts.Select(found => $"{found.TraceId} {found.Verdict.SpanId} {found.Verdict.Failure}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_fixtures_hold_evaluations()
    {
        Assert.True(Scenarios().Count(scenario => Evaluated.Any(Path.GetFileName((string)scenario)!.StartsWith)) >= 15);
    }

    private static byte[] Request(string scenario, JsonDocument expected, Signal signal)
    {
        var request = new ArrayBufferWriter<byte>();
        var mark = signal == Signal.Traces ? ".traces" : ".logs";
        foreach (var name in expected.RootElement.GetProperty("files").EnumerateArray().Select(file => file.GetString()!).Where(name => name.Contains(mark, StringComparison.Ordinal)))
        {
            var bytes = File.ReadAllBytes(Path.Combine(Fixtures, Path.GetDirectoryName(scenario)!, name));
            if (name.EndsWith(".json", StringComparison.Ordinal))
            {
                Assert.True(OtlpJson.TryRead(signal, bytes, request, out _));
            }
            else
            {
                request.Write(bytes);
            }
        }

        return request.WrittenSpan.ToArray();
    }
}
