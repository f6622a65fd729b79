using System.Buffers;
using System.Text.Json;
using OtlpTap.Causes;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Causes;

/// <summary>One failure, one cause, on payloads captured from real instrumentations.</summary>
public sealed class CauseFixtureTests
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures");

    public static TheoryData<string> Scenarios =>
        [.. Directory.EnumerateFiles(Fixtures, "*.expected.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => Path.GetRelativePath(Fixtures, file)[..^".expected.json".Length])];

    /// <summary>Labelled with one failure, a trace counts one failure of that kind at most: what else shows it repeats it.</summary>
    [Theory]
    [MemberData(nameof(Scenarios))]
    public void A_trace_counts_no_kind_of_failure_more_often_than_it_is_labelled(string scenario)
    {
        var labels = LabelsOf(scenario);
        foreach (var causes in Read(scenario).SelectMany(Causes).GroupBy(cause => (cause.Trace, cause.Failure)))
        {
            var labelled = labels.Count(label => label == causes.Key);

            Assert.True(causes.Count() <= Math.Max(1, labelled), $"{causes.Key.Trace}: {causes.Key.Failure} counted {causes.Count()} times, labelled {labelled} times");
        }
    }

    [Theory]
    [InlineData("genkit/max-steps", 5)]
    [InlineData("genkit/tool-throws", 2)]
    [InlineData("genkit/content-filter", 2)]
    [InlineData("genkit/provider-error-429", 2)]
    [InlineData("strands-agents-latest/provider-error-429", 2)]
    [InlineData("strands-agents-latest/bad-tool-args-json", 2)]
    [InlineData("strands-agents-latest/finish-length", 2)]
    [InlineData("vercel-ai-sdk-7/provider-error-429", 2)]
    [InlineData("vercel-ai-sdk-7/context-length-400", 2)]
    [InlineData("traceloop-langchain/provider-error-429", 3)]
    [InlineData("dotnet-semantic-kernel/provider-error-429", 1)]
    [InlineData("dotnet-semantic-kernel/tool-error-payload", 1)]
    [InlineData("vercel-ai-sdk-7/tool-throws", 0)]
    public void An_error_that_comes_up_to_the_root_is_one_failure_and_every_span_on_its_way_names_it(string scenario, int repeating)
    {
        var marked = Read(scenario).ToList();

        var cause = Assert.Single(marked.SelectMany(Causes));
        Assert.Equal(repeating, marked.SelectMany(one => one.Repeating).Count());
        Assert.All(
            marked.SelectMany(one => one.Spans).Select(span => Marked.TextOf(span, "otlptap.failure.origin")).OfType<string>(),
            origin => Assert.Equal(cause.Span, origin));
    }

    /// <summary>The same payload a span at a time, as exporters without batches send it: children first.</summary>
    [Theory]
    [InlineData("genkit/max-steps", 5)]
    [InlineData("strands-agents-latest/provider-error-429", 2)]
    [InlineData("vercel-ai-sdk-7/provider-error-429", 2)]
    [InlineData("traceloop-langchain/provider-error-429", 3)]
    public void The_same_comes_of_spans_that_are_sent_one_by_one(string scenario, int repeating)
    {
        var ledger = new CauseLedger();
        var marked = Read(scenario).SelectMany(one => one.Spans).Select(span =>
        {
            foreach (var tag in span.Attributes.Where(attribute => attribute.Key.StartsWith("otlptap.", StringComparison.Ordinal)).ToList())
            {
                span.Attributes.Remove(tag);
            }

            var request = new TraceBuilder().Scope("s");
            request.Request.ResourceSpans[0].ScopeSpans[0].Spans.Add(span);
            return Marked.Of(request, ledger: ledger);
        }).ToList();

        Assert.Single(marked.SelectMany(Causes));
        Assert.Equal(repeating, marked.SelectMany(one => one.Repeating).Count());
    }

    private static IEnumerable<(string Trace, string Failure, string Span)> Causes(Marked marked)
    {
        foreach (var match in marked.Scan.Matches.ToArray().Where(match => match.Origin.IsZero))
        {
            foreach (var failure in marked.Scan.RulesOf(in match).ToArray().Select(rule => Marked.Packs.Value[rule].Failure).Distinct())
            {
                yield return (match.TraceId.ToString(), failure, match.SpanId.ToString());
            }
        }
    }

    private static IEnumerable<Marked> Read(string scenario)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Fixtures, scenario + ".expected.json")));
        var ledger = new CauseLedger();
        foreach (var file in json.RootElement.GetProperty("files").EnumerateArray().Select(name => name.GetString()!).Where(name => name.Contains(".traces", StringComparison.Ordinal)))
        {
            var payload = File.ReadAllBytes(Path.Combine(Fixtures, Path.GetDirectoryName(scenario)!, file));
            if (file.EndsWith(".json", StringComparison.Ordinal))
            {
                var request = new ArrayBufferWriter<byte>();
                Assert.True(OtlpJson.TryRead(Signal.Traces, payload, request, out _));
                payload = request.WrittenSpan.ToArray();
            }

            yield return Marked.Of(payload, ledger: ledger);
        }
    }

    /// <summary>Those of carriers left out where another span is labelled with the same.</summary>
    private static List<(string Trace, string Failure)> LabelsOf(string scenario)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Fixtures, scenario + ".expected.json")));
        return [.. json.RootElement.GetProperty("span_labels").EnumerateArray()
            .Where(label => !(label.TryGetProperty("carrier", out var carrier) && carrier.GetBoolean()))
            .Select(label => (label.TryGetProperty("trace_id", out var trace) ? trace.GetString()! : "", label.GetProperty("label").GetString()!))];
    }
}
