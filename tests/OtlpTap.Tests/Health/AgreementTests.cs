using OtlpTap.Cli;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Tests.Runs;

namespace OtlpTap.Tests.Health;

/// <summary>What is told of spans as they come by is what is read of whole runs.</summary>
public sealed class AgreementTests
{
    private static string Fixtures => Path.Combine(AppContext.BaseDirectory, "fixtures");

    public static TheoryData<string> Scenarios => [.. CapturedRun.Scenarios];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Steps_are_told_of_as_runs_are_read(string scenario)
    {
        var captured = CapturedRun.Read(scenario);
        var requests = new List<byte>();
        foreach (var file in captured.Expected.GetProperty("files").EnumerateArray())
        {
            Assert.True(CapturedPayload.TryRead(Path.Combine(Fixtures, Path.GetDirectoryName(scenario)!, file.GetString()!), null, out var payload, out var problem), problem);
            requests.AddRange(payload!.Signal == Signal.Traces ? payload.Request : []);
        }

        var told = new ObservedSteps().Read(requests.ToArray()).Facts.GroupBy(fact => (fact.TraceId, fact.SpanId)).ToDictionary(group => group.Key, group => group.Last());
        var read = captured.Steps.Where(step => step.Kind != StepKind.Other).ToList();

        Assert.Equal(read.Select(step => step.SpanId).Order(Comparer<SpanId>.Create((one, other) => one.Value.CompareTo(other.Value))), told.Keys.Select(key => key.SpanId).Order(Comparer<SpanId>.Create((one, other) => one.Value.CompareTo(other.Value))));
        foreach (var step in read)
        {
            var fact = told[(step.TraceId, step.SpanId)];
            Assert.Equal((step.Kind, step.Service), (fact.Kind, fact.Service));

            // What no ancestor tells, the trace or the service may: its only agent.
            string[] agents = step.Agent is { } agent ? [agent] : ["", .. read.Select(other => other.Agent ?? "")];
            Assert.Contains(fact.Agent, agents);
            Assert.Equal((step.ParentId, step.StartUnixNano, step.EndUnixNano), (fact.ParentId, fact.StartUnixNano, fact.EndUnixNano));
            // LangChain's spans under Traceloop give a class in place of the name, which only the model's call tells.
            var isNamed = step.Kind == StepKind.Tool && !step.Name.EndsWith("DynamicStructuredTool", StringComparison.Ordinal);
            Assert.Equal(isNamed ? step.Tool ?? "" : "", fact.Tool);
            if (step.Kind == StepKind.Llm)
            {
                Assert.Equal((step.Model ?? "", step.InputTokens ?? 0, step.OutputTokens ?? 0), (fact.Model, fact.InputTokens, fact.OutputTokens));
            }
        }
    }
}
