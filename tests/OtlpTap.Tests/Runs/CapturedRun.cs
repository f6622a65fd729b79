using System.Text.Json;
using OtlpTap.Cli;
using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Tests.Runs;

/// <summary>A captured scenario as the reader reads it, and what is known of it.</summary>
internal sealed class CapturedRun
{
    private CapturedRun(IReadOnlyList<AgentRun> runs, JsonElement expected)
    {
        Runs = runs;
        Expected = expected;
    }

    public IReadOnlyList<AgentRun> Runs { get; }

    public JsonElement Expected { get; }

    public IEnumerable<RunStep> Steps => Runs.SelectMany(run => run.Steps);

    private static string Fixtures => Path.Combine(AppContext.BaseDirectory, "fixtures");

    public static IEnumerable<string> Scenarios =>
        Directory.GetFiles(Fixtures, "*.expected.json", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Fixtures, file)[..^".expected.json".Length].Replace('\\', '/'))
            .Order(StringComparer.Ordinal);

    public static CapturedRun Read(string scenario)
    {
        var expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(Fixtures, scenario + ".expected.json"))).RootElement;
        var spans = new List<byte>();
        var logs = new List<byte>();
        foreach (var file in expected.GetProperty("files").EnumerateArray())
        {
            var path = Path.Combine(Fixtures, Path.GetDirectoryName(scenario)!, file.GetString()!);
            Assert.True(CapturedPayload.TryRead(path, null, out var payload, out var problem), problem);
            (payload!.Signal == Signal.Traces ? spans : logs).AddRange(payload.Request);
        }

        return new CapturedRun(AgentRunReader.Read(spans.ToArray(), logs.ToArray(), RunLimits.Default), expected);
    }

    public IEnumerable<string> Texts(string property)
    {
        var value = Expected.GetProperty(property);
        return value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().Select(item => item.GetString()!) : value.GetString() is { } text ? [text] : [];
    }
}
