using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OtlpTap.Corpus.Templates;
using OtlpTap.Otlp;
using OtlpTap.Redact;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

/// <summary>What makes two failures one case. Empty where nothing is recorded.</summary>
/// <param name="Failure">The kind of the verdict on the cause.</param>
/// <param name="Agent">Or else the service.</param>
/// <param name="Subject">The tool, or what an answer should rest on, or else the model, or else the step's name.</param>
/// <param name="ErrorType">Of the cause's span.</param>
/// <param name="Message">Without its variable parts; what decided, where there is no message.</param>
internal sealed record CaseGroup(string Failure, string Agent, string Subject, string ErrorType, string Message)
{
    // A change of what a fingerprint is made of changes this: old cases stay, new ones begin.
    private const byte Version = 1;

    private const int FingerprintBytes = 8;

    // The message is cleaned as it is by default, whatever is configured: the fingerprint does not depend on the configuration.
    private static readonly RedactOptions Cleaning = new();

    /// <summary>16 hex digits: the name of the case's folder.</summary>
    public string Fingerprint { get; } = FingerprintOf(Failure, Agent, Subject, ErrorType, Message);

    /// <summary>The verdict that names a case: on a cause, not on what only repeats it; the same one in whatever order they came.</summary>
    public static Verdict PrimaryOf(IReadOnlyList<Verdict> verdicts, AgentRun run)
    {
        var order = new Dictionary<SpanId, int>();
        for (var i = 0; i < run.Steps.Count; i++)
        {
            order.TryAdd(run.Steps[i].SpanId, i);
        }

        return verdicts
            .Where(verdict => !FailureKind.IsMark(verdict.Failure))
            .OrderBy(verdict => verdict.Origin.IsZero || verdict.Origin == verdict.SpanId ? 0 : 1)
            .ThenBy(verdict => verdict.SpanId.IsZero ? 1 : 0)
            .ThenBy(verdict => verdict.Source is VerdictSource.Rule or VerdictSource.Detector ? 0 : 1)
            .ThenBy(verdict => order.GetValueOrDefault(verdict.SpanId, int.MaxValue))
            .ThenBy(verdict => RankOf(verdict.Failure))
            .ThenBy(verdict => verdict.Failure, StringComparer.Ordinal)
            .ThenBy(verdict => verdict.Rule, StringComparer.Ordinal)
            .First();
    }

    public static CaseGroup Of(in Verdict primary, AgentRun run)
    {
        var step = primary.SpanId.IsZero ? run.AnsweringStep ?? FirstStep(run) : run.Find(primary.SpanId);
        var agent = AgentOf(step, run);
        if (step is null)
        {
            return new CaseGroup(primary.Failure, agent, "", "", DecidedBy(primary));
        }

        var exception = step.Exceptions.Count > 0 ? step.Exceptions[^1] : null;
        var errorType = FirstOf(exception?.Type, step.ErrorType);
        var message = FirstOf(step.Status == StepStatus.Error ? step.StatusMessage : null, exception?.Message, ErrorIn(step, primary.Failure), ErrorIn(primary));
        return new CaseGroup(
            primary.Failure,
            agent,
            NameTemplate.Of(SubjectOf(primary, run)) is { Length: > 0 } subject ? subject : SubjectOf(step, run),
            NameTemplate.Of(errorType),

            // Where a span says nothing of a message, what was found is all that tells it from another failure of its kind.
            message.Length > 0 ? MessageTemplate.Of(Clean(message), step.Arguments ?? ArgumentsOf(step)) : DecidedBy(primary));
    }

    /// <summary>What stands for a message where none is recorded: what decided, and which of the sorts that it tells apart.</summary>
    public static string DecidedBy(in Verdict primary) => primary.Aspect is { Length: > 0 } aspect ? $"{primary.Rule}: {aspect}" : primary.Rule;

    /// <summary>
    /// What the verdict is about, where that is not what its span is: of an answer what it should rest on. A rule sees its span
    /// alone.
    /// </summary>
    private static string SubjectOf(in Verdict primary, AgentRun run) => primary switch
    {
        { Subject: { Length: > 0 } subject } => subject,
        { Source: not VerdictSource.Rule, Failure: FailureKind.Hallucination or FailureKind.FailedEvaluation } => AnswerSources.Of(run),
        _ => "",
    };

    /// <summary>The words of a tool that a detector read from what the model was told.</summary>
    private static string? ErrorIn(in Verdict primary) =>
        primary is { Source: VerdictSource.Detector, Failure: FailureKind.ToolError, Evidence: [var told, ..] } ? told : null;

    private static string AgentOf(RunStep? step, AgentRun run)
    {
        // The nearest agent above: in a team each has failures of its own.
        for (var (at, depth) = (step, 0); at is not null && depth < 256; at = at.ParentId.IsZero ? null : run.Find(at.ParentId), depth++)
        {
            if (at.Agent is { Length: > 0 } agent)
            {
                return NameTemplate.Of(agent);
            }
        }

        return NameTemplate.Of(FirstOf(run.Steps.FirstOrDefault(other => other.Agent is { Length: > 0 })?.Agent, step?.Service, FirstStep(run)?.Service));
    }

    private static string SubjectOf(RunStep step, AgentRun run) =>
        step.Tool is { Length: > 0 } tool ? NameTemplate.Of(tool)
        : step.Model is { Length: > 0 } model ? NameTemplate.OfModel(model)
        : step.Kind is StepKind.Llm && run.Steps.FirstOrDefault(other => other.Model is { Length: > 0 })?.Model is { } anyModel ? NameTemplate.OfModel(anyModel)
        : NameTemplate.Of(step.Name);

    /// <summary>What the result of a tool says of its error; of a model's call nothing: its words are an answer.</summary>
    private static string? ErrorIn(RunStep step, string failure)
    {
        if (failure is not FailureKind.ToolError)
        {
            return null;
        }

        if (step.Kind == StepKind.Tool)
        {
            return step.Result;
        }

        // The failure shows in what the tool's result looked like to the model.
        return step.Input.Concat(step.Output).SelectMany(message => message.Parts).LastOrDefault(part => part is { Kind: PartKind.ToolResult, IsError: true })?.Text;
    }

    private static string? ArgumentsOf(RunStep step) =>
        step.Input.Concat(step.Output).SelectMany(message => message.Parts).LastOrDefault(part => part.Kind == PartKind.ToolCall)?.Arguments;

    private static RunStep? FirstStep(AgentRun run) => run.Steps.Count > 0 ? run.Steps[0] : null;

    private static string Clean(string message)
    {
        const int LengthMax = 16 << 10;
        return new Redactor(Cleaning).Redact(message.Length > LengthMax ? message[..LengthMax] : message);
    }

    private static string FirstOf(params ReadOnlySpan<string?> texts)
    {
        foreach (var text in texts)
        {
            if (!string.IsNullOrWhiteSpace(text))
            {
                return text;
            }
        }

        return "";
    }

    // Several on one span: what is nearer to the cause first. A user's own kind was written for exactly this.
    private static int RankOf(string failure) => failure switch
    {
        FailureKind.ToolError => 1,
        FailureKind.LlmError => 2,
        FailureKind.ContentFilter => 3,
        FailureKind.Truncated => 4,
        FailureKind.PlanningError => 5,
        FailureKind.SchemaError => 6,
        FailureKind.Refusal => 7,
        FailureKind.EmptyOutput => 8,
        FailureKind.Hallucination => 9,
        FailureKind.NegativeFeedback => 10,
        FailureKind.ImplicitNegativeFeedback => 11,
        FailureKind.IncompleteTrace => 12,
        _ => 0,
    };

    private static string FingerprintOf(params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([Version]);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, FingerprintBytes));
    }
}
