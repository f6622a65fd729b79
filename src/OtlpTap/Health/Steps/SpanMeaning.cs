using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Runs.Dialects;
using OtlpTap.Runs.Json;
using OtlpTap.Runs.Telemetry;
using OtlpTap.Spans;

namespace OtlpTap.Health.Steps;

/// <summary>
/// What a span's attributes say, as <see cref="StepKinds"/> and <see cref="StepNames"/> say it of whole runs, read where
/// they lie. Nothing is made for a span whose names came before, but where a dialect writes them into JSON (the tokens of
/// Langfuse, MLflow and Genkit, a tool call that a tool's input wraps).
/// </summary>
internal ref struct SpanMeaning(ReadOnlySpan<byte> request, SpanFrame frame, KnownNames names, ReadOnlySpan<byte> name, string scope)
{
    /// <summary>In a longer JSON text no names and counts are sought, which stand at the start of short ones.</summary>
    private const int JsonLengthMax = 64 << 10;

    private const int ReasonLengthMax = 512;

    private static readonly ulong KindPlaces = (1UL << StepKinds.Attributes.Length) - 1;
    private static readonly (byte[] Start, StepKind Kind)[] NameStarts = [.. StepKinds.Names.Select(row => (Encoding.UTF8.GetBytes(row.Start), row.Kind))];
    private static readonly bool[] NameFirsts = FirstsOf(NameStarts);

    private readonly ReadOnlySpan<byte> _request = request;
    private readonly ReadOnlySpan<byte> _name = name;

    public readonly StepKinds.Answer Kind()
    {
        for (var left = frame.LowPlaces & KindPlaces; left != 0; left &= left - 1)
        {
            var attribute = System.Numerics.BitOperations.TrailingZeroCount(left);
            var text = frame.Text(_request, attribute);
            if (!text.IsEmpty && text.Length <= KnownNames.LengthMax && names.Of(text).KindBy(attribute) is { } answer)
            {
                return answer.Kind == StepKind.Workflow && First(SpanKeys.GraphNames) is { IsAgentGraph: true } ? new(StepKind.Agent) : answer;
            }
        }

        if (frame.Text(_request, SpanKeys.McpMethod) is { IsEmpty: false } method)
        {
            return new(method.SequenceEqual("tools/call"u8) ? StepKind.Tool : StepKind.Other);
        }

        return KindByName() ?? KindByMark();
    }

    /// <summary>Logfire sends a stand-in for each span while it runs.</summary>
    public readonly bool IsPending() => frame.Text(_request, SpanKeys.LogfireSpanType).SequenceEqual("pending_span"u8);

    /// <summary>The agent that the span names, be it not the agent's own.</summary>
    public readonly string? Agent(StepKind kind)
    {
        if (Given(SpanKeys.Agents) is { } agent)
        {
            return agent;
        }

        return kind switch
        {
            StepKind.Workflow => First(SpanKeys.WorkflowNames)?.Text ?? (frame.HasAny(SpanKeys.NamedBySpan) ? names.Of(_name).Text : null),
            StepKind.Agent => First(SpanKeys.AgentNames)?.Text ?? names.Of(_name).AgentOfSpan,
            _ => null,
        };
    }

    public readonly string Tool()
    {
        var tool = ToolInArguments() ?? Given(SpanKeys.Tools) ?? Json(SpanKeys.MlflowInputs)["name"].TextOrNull ?? names.Of(_name).ToolOfSpan;
        return StepNames.ToolClasses.Contains(tool) ? "" : tool;
    }

    public readonly string Model() => Given(SpanKeys.Models) ?? "";

    public readonly long InputTokens() => Possible(Tokens(SpanKeys.InputTokens, StepNames.InputUsageNames));

    public readonly long OutputTokens() => Possible(Tokens(SpanKeys.OutputTokens, StepNames.OutputUsageNames));

    public readonly FallbackFact? Fallback() => First([SpanKeys.Fallback]) is { } fallback
        ? new FallbackFact(fallback.Text, Cut(frame.Text(_request, SpanKeys.FallbackReason)), First([SpanKeys.AdviceId])?.Text ?? "")
        : null;

    /// <summary>What a tap in front of this one found.</summary>
    public readonly string? Failure() => First([SpanKeys.Failure])?.Text;

    private readonly StepKinds.Answer? KindByName()
    {
        if (_name.IsEmpty || !NameFirsts[_name[0]])
        {
            return null;
        }

        foreach (var (start, kind) in NameStarts)
        {
            if (_name.StartsWith(start))
            {
                return new(kind);
            }
        }

        return null;
    }

    private readonly StepKinds.Answer KindByMark()
    {
        var genkit = frame.Text(_request, SpanKeys.GenkitType);
        if (genkit.SequenceEqual("util"u8) || genkit.SequenceEqual("flowStep"u8))
        {
            return new(StepKind.Step);
        }

        if (_name.SequenceEqual("invocation"u8) && scope == "gcp.vertex.agent")
        {
            return new(StepKind.Workflow);
        }

        if (!frame.IsEmpty)
        {
            for (var mark = 0; mark < SpanKeys.Marks.Length; mark++)
            {
                if (frame.Has(SpanKeys.Marks[mark]))
                {
                    return new(StepKinds.Marks[mark].Kind);
                }
            }
        }

        return new(StepKind.Other);
    }

    private readonly KnownName? First(ReadOnlySpan<int> places)
    {
        foreach (var place in places)
        {
            if (frame.Text(_request, place) is { IsEmpty: false } text)
            {
                return names.Of(text);
            }
        }

        return null;
    }

    private readonly string? Given(ReadOnlySpan<int> places)
    {
        foreach (var place in places)
        {
            if (frame.Text(_request, place) is { IsEmpty: false } text && names.Of(text) is { IsPlaceholder: false } known)
            {
                return known.Unquoted;
            }
        }

        return null;
    }

    private static long Possible(long tokens) => tokens is >= 0 and <= SpanFact.TokensMax ? tokens : 0;

    private readonly long Tokens(ReadOnlySpan<int> places, string[] usageNames)
    {
        foreach (var place in places)
        {
            if (frame.Number(_request, place) is { } tokens)
            {
                return tokens;
            }
        }

        foreach (var place in SpanKeys.Usages)
        {
            var usage = Json(place);
            usage = place == SpanKeys.GenkitOutput ? usage["usage"] : usage;
            if (usage.First(usageNames).AsLong() is { } tokens)
            {
                return tokens;
            }
        }

        return 0;
    }

    /// <summary>A call as the model wrote it, in a tool's input: it names the tool better than the span does.</summary>
    private readonly string? ToolInArguments()
    {
        foreach (var place in SpanKeys.ToolArguments)
        {
            var text = frame.Text(_request, place);
            if (text.IsEmpty || text.SequenceEqual("<not specified>"u8))
            {
                continue;
            }

            // Arguments as they are; and most inputs wrap nothing.
            var key = SpanKeys.NameOf(place);
            if (key.StartsWith("gen_ai.tool.", StringComparison.Ordinal) || key.StartsWith("ai.", StringComparison.Ordinal) || text.Length > JsonLengthMax || !MayWrapCall(text))
            {
                return null;
            }

            var attributes = new AttributeSet(RunLimits.Default);
            attributes.Add(key, new AttributeValue(AttributeKind.Text, Encoding.UTF8.GetString(text), 0));
            var values = new ToolValues(attributes, RunLimits.Default);
            values.Arguments();
            return values.Name;
        }

        return null;
    }

    private static bool MayWrapCall(ReadOnlySpan<byte> json) =>
        json.IndexOf("args"u8) >= 0 || json.IndexOf("arguments"u8) >= 0 ? json.IndexOf("name"u8) >= 0 || json.IndexOf("toolName"u8) >= 0 : false;

    private readonly JsonValue Json(int place)
    {
        var text = frame.Text(_request, place);
        return text.Length is > 1 and <= JsonLengthMax && text.TrimStart((byte)' ') is [(byte)'{' or (byte)'[' or (byte)'"', ..] && JsonText.TryRead(Encoding.UTF8.GetString(text), RunLimits.Default, out var json)
            ? json.Root
            : default;
    }

    private static string Cut(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text[..Math.Min(text.Length, ReasonLengthMax)]);

    private static bool[] FirstsOf((byte[] Start, StepKind Kind)[] starts)
    {
        var firsts = new bool[256];
        foreach (var (start, _) in starts)
        {
            firsts[start[0]] = true;
        }

        return firsts;
    }
}
