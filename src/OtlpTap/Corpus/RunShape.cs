using System.Security.Cryptography;
using System.Text;
using OtlpTap.Corpus.Templates;
using OtlpTap.Runs;

namespace OtlpTap.Corpus;

/// <summary>By what traces of one case differ: what was done, and what was asked. Hashes, so that nothing of the content is in them.</summary>
internal static class RunShape
{
    private const int StepsMax = 200;

    /// <summary>The steps in their order, a row of equal ones as one: a loop of ten rounds has the shape of one of three.</summary>
    public static string Of(AgentRun run)
    {
        var steps = new List<string>();
        foreach (var step in run.Steps)
        {
            var text = $"{step.Kind}:{NameTemplate.Of(step.Tool ?? (step.Kind == StepKind.Other ? step.Name : ""))}:{step.Status == StepStatus.Error}";
            if (steps.Count < StepsMax && (steps.Count == 0 || steps[^1] != text))
            {
                steps.Add(text);
            }
        }

        return Hash(string.Join('\n', steps));
    }

    /// <summary>The user's words without ids and numbers; empty where they were not recorded.</summary>
    public static string OfInput(AgentRun run) => string.IsNullOrEmpty(run.UserInput) ? "" : Hash(MessageTemplate.Of(run.UserInput));

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 4));
}
