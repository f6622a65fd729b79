using System.Text;

namespace OtlpTap.Evaluations;

/// <summary>Names of metrics and labels, brought into one spelling: <c>AnswerRelevancy</c>, <c>answer-relevancy</c> and <c>Answer Relevancy [GEval]</c> are <c>answer_relevancy</c>.</summary>
internal static class MetricName
{
    /// <summary>Longer names are no names that a person reads.</summary>
    public const int LengthMax = 64;

    // What evaluators add to a metric's name without changing what is measured.
    private static readonly HashSet<string> Ornaments = ["geval", "evaluator", "evaluation", "eval", "metric", "scorer", "score", "judge", "check", "checker", "builtin", "ragas", "deepeval", "phoenix", "mlflow", "weave", "openlit", "azureai", "is", "has"];

    /// <summary>Words in lower case with <c>_</c> between them; empty where there is no letter or digit.</summary>
    public static string Normalise(string name)
    {
        // "Correctness [GEval]", "Relevance (v2)": which evaluator, not which metric.
        if (name.AsSpan().LastIndexOfAny('[', '(') is > 0 and var bracket && name[^1] is (']' or ')'))
        {
            name = name[..bracket];
        }

        var text = new StringBuilder(LengthMax);
        for (var i = 0; i < name.Length && text.Length < LengthMax; i++)
        {
            var character = name[i];
            if (!char.IsLetterOrDigit(character))
            {
                Separate(text);
                continue;
            }

            // A capital starts a word behind a small letter (fooBar), and before one (HTTPError).
            if (char.IsUpper(character) && i > 0 && (char.IsLower(name[i - 1]) || (char.IsUpper(name[i - 1]) && i + 1 < name.Length && char.IsLower(name[i + 1]))))
            {
                Separate(text);
            }

            text.Append(char.ToLowerInvariant(character));
        }

        return text.ToString().TrimEnd('_');
    }

    /// <summary>The words that say what is measured; all of them where nothing but ornaments would be left out.</summary>
    public static string[] Words(string name)
    {
        var words = Normalise(name).Split('_', StringSplitOptions.RemoveEmptyEntries);
        var telling = words.Where(word => !Ornaments.Contains(word)).ToArray();
        return telling.Length > 0 ? telling : words;
    }

    private static void Separate(StringBuilder text)
    {
        if (text.Length > 0 && text[^1] != '_')
        {
            text.Append('_');
        }
    }
}
