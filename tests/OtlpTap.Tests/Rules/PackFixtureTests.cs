using System.Buffers;
using System.Globalization;
using System.Text.Json;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Rules.Packs;
using OtlpTap.Scan;

namespace OtlpTap.Tests.Rules;

/// <summary>What the packs make of payloads captured from real instrumentations, against what is known to be wrong with these.</summary>
public sealed class PackFixtureTests(ITestOutputHelper output)
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures");
    private static readonly string NotYetFound = Path.Combine(AppContext.BaseDirectory, "Rules", "packs", "not-yet-found.txt");

    /// <summary>
    /// Spans that do show what their trace is labelled with, though its expected.json says that another one is the first
    /// to: here the tool's own span has the result that the label looks for in the next model call.
    /// </summary>
    private static readonly HashSet<string> AlsoShown =
    [
        "dotnet-semantic-kernel/tool-error-payload: genai_tool_error_result",

        // The tool's span says which argument it missed.
        "langfuse-openai/bad-tool-args-schema: langfuse_bad_tool_arguments",
        "openinference-openai/bad-tool-args-schema: openinference_bad_tool_arguments",

        // The log record is of the span around the calls.
        "dotnet-meai/unknown-tool: microsoft_function_not_found",

        // The log record is of no span: its response id is all it has.
        "handwritten-otel-events/eval-log-response-id-only: genai_log_evaluated_as_hallucination",
    ];

    private static readonly Lazy<CompiledRules> Packs = new(CompilePacks);

    private static readonly Lazy<List<Scenario>> Scenarios = new(() =>
        [.. Directory.EnumerateFiles(Fixtures, "*.expected.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(Scenario.Read)]);

    [Fact]
    public void No_span_is_called_failing_that_is_not()
    {
        var wrong = new List<string>();
        foreach (var scenario in Scenarios.Value)
        {
            foreach (var verdict in scenario.Verdicts)
            {
                // A span that is known to show one of the failures of its trace may show another one as well.
                var labels = scenario.Labels.Where(label => label.SpanId == verdict.SpanId).ToList();
                var isOfTheTrace = scenario.TraceLabels.Contains(verdict.Failure);
                var isAllowed = labels.Exists(label => label.Failure == verdict.Failure)
                    || (isOfTheTrace && (labels.Count > 0 || AlsoShown.Contains($"{scenario.Name}: {verdict.Rule}")));
                if (!isAllowed)
                {
                    wrong.Add($"{scenario.Name}: {verdict.Rule} on {verdict.SpanId}");
                }
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void What_is_not_found_is_what_the_list_says()
    {
        var expected = File.ReadAllLines(NotYetFound).Where(line => line.Length > 0 && !line.StartsWith('#')).Order(StringComparer.Ordinal).ToList();
        var actual = Scenarios.Value.SelectMany(scenario => scenario.NotFound).Order(StringComparer.Ordinal).ToList();

        Assert.True(!actual.Except(expected).Any(), $"No longer found:\n{string.Join('\n', actual.Except(expected))}");
        Assert.True(!expected.Except(actual).Any(), $"Found now:\n{string.Join('\n', expected.Except(actual))}");
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void The_share_found_of_each_instrumentation_is_shown()
    {
        output.WriteLine($"{"instrumentation",-26} {"labels",7} {"found",6} {"wrong",6}");
        foreach (var instrumentation in Scenarios.Value.GroupBy(scenario => scenario.Name.Split('/')[0]))
        {
            var labels = instrumentation.Sum(scenario => scenario.Labels.Count);
            var missing = instrumentation.Sum(scenario => scenario.NotFound.Count());
            var wrong = instrumentation.Sum(scenario => scenario.Verdicts.Count(verdict => !scenario.TraceLabels.Contains(verdict.Failure)));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{instrumentation.Key,-26} {labels,7} {labels - missing,6} {wrong,6}"));
        }

        Assert.True(Scenarios.Value.Count >= 169);
    }

    [Fact]
    public void No_condition_comes_to_an_error_on_a_captured_span()
    {
        Assert.All(Scenarios.Value, scenario => Assert.NotNull(scenario.Verdicts));

        Assert.All(Enumerable.Range(0, Packs.Value.Count), index => Assert.Equal(0, Packs.Value.ErrorsOf(index)));
    }

    [Theory]
    [InlineData("vercel-ai-sdk-7/success")]
    [InlineData("dotnet-meai/success")]
    [InlineData("otel-js-openai/success")]
    [InlineData("strands-agents-latest/success")]
    [InlineData("dotnet-meai/tool-throws")]
    public void Rules_on_captured_spans_allocate_nothing(string name)
    {
        var payload = File.ReadAllBytes(Path.Combine(Fixtures, $"{name}.traces.otlp.pb"));
        var scanner = new RequestScanner(Packs.Value);
        var result = new ScanResult();
        for (var i = 0; i < 3; i++)
        {
            Assert.True(scanner.TryScan(Signal.Traces, payload, result, out _));
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
        {
            _ = scanner.TryScan(Signal.Traces, payload, result, out _);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static CompiledRules CompilePacks()
    {
        var problems = new List<RuleProblem>();
        var rules = RulePacks.Load([RulePacks.All], problems);
        Assert.Empty(problems);
        var compiled = CompiledRules.Compile(rules!, problems);
        Assert.Empty(problems);
        return compiled!;
    }

    private sealed record Label(string Failure, string SpanId, string SpanName, string VisibleIn, bool IsCarrier);

    private sealed record Verdict(string Failure, string SpanId, string Rule);

    private sealed record Scenario(string Name, HashSet<string> TraceLabels, List<Label> Labels, List<Verdict> Verdicts)
    {
        public IEnumerable<string> NotFound => Labels
            .Where(label => !Verdicts.Exists(verdict => verdict.SpanId == label.SpanId && verdict.Failure == label.Failure))
            .Select(label => $"{Name}: {label.Failure} on {label.SpanName} ({label.VisibleIn}{(label.IsCarrier ? ", carrier" : "")})");

        public static Scenario Read(string file)
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            var root = json.RootElement;
            var folder = Path.GetDirectoryName(file)!;
            var labels = root.GetProperty("span_labels").EnumerateArray().Select(label => new Label(
                label.GetProperty("label").GetString()!,
                label.GetProperty("span_id").GetString()!,
                label.GetProperty("span_name").GetString()!,
                label.GetProperty("visible_in").GetString()!,
                label.TryGetProperty("carrier", out var carrier) && carrier.GetBoolean())).ToList();
            var verdicts = root.GetProperty("files").EnumerateArray()
                .Select(name => name.GetString()!)
                .SelectMany(name => VerdictsOn(Path.Combine(folder, name), name.Contains(".logs", StringComparison.Ordinal) ? Signal.Logs : Signal.Traces))
                .Distinct().ToList();
            return new Scenario(
                $"{Path.GetFileName(folder)}/{Path.GetFileName(file)[..^".expected.json".Length]}",
                [.. root.GetProperty("trace_labels").EnumerateArray().Select(label => label.GetString()!)],
                labels,
                verdicts);
        }

        private static List<Verdict> VerdictsOn(string file, Signal signal)
        {
            var payload = File.ReadAllBytes(file);
            if (file.EndsWith(".json", StringComparison.Ordinal))
            {
                var request = new ArrayBufferWriter<byte>();
                Assert.True(OtlpJson.TryRead(signal, payload, request, out _));
                payload = request.WrittenSpan.ToArray();
            }

            var result = new ScanResult();
            Assert.True(new RequestScanner(Packs.Value).TryScan(signal, payload, result, out _));
            var verdicts = new List<Verdict>();
            foreach (ref readonly var match in result.Matches)
            {
                foreach (var rule in result.RulesOf(in match))
                {
                    verdicts.Add(new Verdict(Packs.Value[rule].Failure, match.SpanId.ToString(), Packs.Value[rule].Name));
                }
            }

            return verdicts;
        }
    }
}
