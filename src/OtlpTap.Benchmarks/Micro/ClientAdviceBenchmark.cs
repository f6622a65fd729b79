using System.Diagnostics;
using BenchmarkDotNet.Attributes;
using OtlpTap.Client;

namespace OtlpTap.Benchmarks.Micro;

/// <summary>What does an agent pay for asking, each time it is about to use a tool, whether it should use another?</summary>
public class ClientAdviceBenchmark
{
    private readonly AdviceReader _reader = new();
    private Activity? _run;

    /// <summary>Pieces of advice that concern the agent, each about another tool.</summary>
    [Params(0, 3, 100)]
    public int Items { get; set; }

    /// <summary>Whether a share of traces goes without, so that the trace of the run must be looked at.</summary>
    [Params(0, 0.1)]
    public double Holdout { get; set; }

    [GlobalSetup]
    public void Publish()
    {
        _run = new Activity("run").SetIdFormat(ActivityIdFormat.W3C).Start();
        _reader.Publish(new AdviceIndex(1, Holdout, [.. Enumerable.Range(0, Items).Select(number => new OtlpTap.Client.Advice
        {
            Id = $"tool-failing:shop/planner/tool-{number}",
            Policy = "tool-failing",
            Action = "reroute",
            Tool = $"tool-{number}",
            Parameters = new Dictionary<string, string>(),
            Reason = "",
            Values = new Dictionary<string, double>(),
        })]));
    }

    [GlobalCleanup]
    public void Stop() => _run?.Dispose();

    [Benchmark(Description = "TryGet, a tool that is well")]
    public bool Well() => _reader.TryGet("reroute", "search", out _);

    [Benchmark(Description = "TryGet, a tool that fails")]
    public bool Failing() => _reader.TryGet("reroute", "tool-0", out _);

    [Benchmark(Description = "For, gone over")]
    public int Over()
    {
        var count = 0;
        foreach (var advice in _reader.For("tool-0"))
        {
            count += advice.Action.Length;
        }

        return count;
    }
}
