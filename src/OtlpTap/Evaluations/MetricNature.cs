using OtlpTap.Verdicts;

namespace OtlpTap.Evaluations;

/// <summary>The scale on which a metric's numbers are commonly given, where no sender says so.</summary>
internal enum MetricScale : byte
{
    /// <summary>0 to 1, 1 to 5, 0 to 10 or 0 to 100: read from the number itself.</summary>
    Usual,

    /// <summary>Stars: 1 is the worst.</summary>
    Stars,

    /// <summary>Stars or a yes and no: a 1 is the worst of the one and the best of the other.</summary>
    Rating,

    /// <summary>Would you recommend: 0 to 6 is no, 9 and 10 is yes.</summary>
    Recommendation,

    /// <summary>0 to 7 by Azure's content safety, or a share from 0 to 1.</summary>
    Severity,

    /// <summary>Known which end is good, but not from where on: 0.3 may be an excellent BLEU.</summary>
    Relative,
}

/// <summary>What a metric's name tells of it.</summary>
/// <param name="Good">Which end is good; <see cref="GoodEnd.Unknown"/> for a name that nobody knows.</param>
/// <param name="Failure">The kind of a bad result; null: there is no bad one (a refusal may be right).</param>
/// <param name="IsFeedback">The name of what users say, not of what evaluators measure.</param>
internal readonly record struct MetricNature(GoodEnd Good, string? Failure, bool IsFeedback = false, MetricScale Scale = MetricScale.Usual)
{
    public static readonly MetricNature Unknown = new(GoodEnd.Unknown, FailureKind.FailedEvaluation);

    /// <summary>
    /// By name, from the top: the first line whose words stand in the name, in this order and side by side. A word with a
    /// star is the start of one. Names: OpenTelemetry, Phoenix, DeepEval, Ragas, autoevals, Weave, MLflow, Azure AI
    /// Evaluation, Microsoft.Extensions.AI.Evaluation, OpenLIT, Langfuse, Galileo.
    /// </summary>
    private static readonly (string[] Words, MetricNature Nature)[] Table =
    [
        .. Rows(new(GoodEnd.Unknown, null), "refus*", "abstention", "abstain*"),

        // People.
        .. Rows(
            new(GoodEnd.High, FailureKind.NegativeFeedback, IsFeedback: true),
            "user feedback", "human feedback", "customer feedback", "end user feedback", "userfeedback", "user satisfaction", "thumbs*", "thumb", "like", "upvote"),
        .. Rows(new(GoodEnd.High, FailureKind.NegativeFeedback, IsFeedback: true, MetricScale.Stars), "stars", "star rating", "csat"),
        .. Rows(new(GoodEnd.High, FailureKind.NegativeFeedback, IsFeedback: true, MetricScale.Rating), "user rating", "human rating", "customer rating"),
        .. Rows(new(GoodEnd.High, FailureKind.NegativeFeedback, IsFeedback: true, MetricScale.Recommendation), "nps", "net promoter"),
        .. Rows(new(GoodEnd.Low, FailureKind.NegativeFeedback), "friction", "frustrat*", "dissatisf*", "annoy*", "abandon*"),
        .. Rows(new(GoodEnd.High, FailureKind.NegativeFeedback), "satisf*", "goal completed", "goal complet*", "goal achiev*", "user sentiment"),

        // Planning and the form of output.
        .. Rows(new(GoodEnd.High, FailureKind.ToolError), "tool call success", "tool success", "tool execution", "tool call succeeded"),
        .. Rows(new(GoodEnd.Low, FailureKind.ToolError), "tool error*", "tool fail*"),
        .. Rows(
            new(GoodEnd.High, FailureKind.PlanningError),
            "tool selection", "tool invocation", "tool response handling", "tool call*", "tool correct*", "tool use", "tool usage", "tool input*", "tool output*", "tool param*", "tool arg*", "tool choice", "tool accuracy", "tool quality", "tool permission*",
            "function call*", "function selection", "argument correct*", "argument valid*", "parameter extract*", "plan", "planning", "plan adherence", "plan quality", "step efficiency", "step *efficiency", "trajectory", "route", "router", "routing", "skill selection", "agent flow", "action advancement"),
        .. Rows(new(GoodEnd.Low, FailureKind.PlanningError), "loop", "loops", "looping"),
        .. Rows(new(GoodEnd.High, FailureKind.SchemaError), "json*", "schema*", "valid json", "valid xml", "format", "format *", "structured output", "pydantic"),

        .. Rows(new(GoodEnd.High, FailureKind.FailedEvaluation), "goal accuracy", "intent accuracy"),

        // Supported by what the model was given, or not.
        .. Rows(
            new(GoodEnd.High, FailureKind.Hallucination),
            "no hallucin*", "non hallucin*", "not hallucin*", "without hallucin*", "anti hallucin*", "hallucination free", "hallucination freeness", "hallucination absence",
            "faithful*", "grounded*", "grounding", "factual*", "fact *check*", "fact", "facts", "fact accuracy", "truth*", "correctness", "correct", "answer accuracy", "response accuracy", "accuracy", "attribution", "citation*", "context adherence", "context *ground*", "source adherence", "supported", "summac", "closed qa", "closedqa"),
        .. Rows(
            new(GoodEnd.Low, FailureKind.Hallucination),
            "hallucin*", "contradict*", "inconsisten*", "fabricat*", "confabulat*", "ungrounded*", "un grounded*", "not grounded", "unfaithful*", "unsupported*", "misinformation", "incorrect*", "inaccura*"),

        // Harm.
        .. Rows(
            new(GoodEnd.High, FailureKind.FailedEvaluation),
            "harmless*", "non toxic*", "no toxic*", "not toxic*", "unbias*", "non bias*", "no bias*", "no harm*", "no pii", "safety", "safe", "fairness"),
        .. Rows(new(GoodEnd.Low, FailureKind.FailedEvaluation, Scale: MetricScale.Severity), "violen*", "sexual*", "self harm*", "hate*", "hateful*"),
        .. Rows(
            new(GoodEnd.Low, FailureKind.FailedEvaluation),
            "toxic*", "bias*", "harm*", "unsafe*", "prompt injection*", "promptinjection", "injection", "jailbreak*", "pii*", "leak*", "profan*", "insult*", "obscen*", "threat*", "offensive*", "misuse", "role violation", "protected material*", "code vulnerabilit*", "indirect attack*", "xpia", "stereotyp*", "misogyn*", "malicious*", "criminal*", "insensitiv*", "controversial*", "noise sensitivity", "irrelevan*", "redundan*", "verbos*", "repetit*", "perplexity", "edit distance"),

        // Likeness to a reference: no number is good or bad of itself.
        .. Rows(
            new(GoodEnd.High, FailureKind.FailedEvaluation, Scale: MetricScale.Relative),
            "similarity", "bleu*", "gleu*", "rouge*", "meteor*", "bert*", "chrf*", "f1*", "levenshtein*", "exact match", "embedding*", "cosine*", "ndcg*", "mrr", "lexical*", "string presence"),

        // Whatever else is better when there is more of it.
        .. Rows(
            new(GoodEnd.High, FailureKind.FailedEvaluation),
            "relevan*", "relevance", "precision", "recall", "helpful*", "coheren*", "fluen*", "complete*", "completion", "adherence", "success*", "intent resolution", "resolution", "resolved", "concis*", "quality", "clarity", "equivalence", "usefulness", "useful*", "retrieval*", "knowledge retention", "prompt alignment", "alignment", "instruction *", "summar*", "translation", "task *", "topic adherence", "politeness", "readab*", "document relevance", "qa", "rubric*", "guideline*", "pass", "passed", "sufficiency", "consistency"),

        // Names that say nothing but that somebody rated.
        .. Exactly(new(GoodEnd.High, FailureKind.NegativeFeedback, IsFeedback: true), "feedback", "vote"),
        .. Exactly(new(GoodEnd.High, FailureKind.NegativeFeedback, IsFeedback: true, MetricScale.Rating), "rating", "ratings"),
    ];

    public static MetricNature Of(string metric)
    {
        // "user_score": the ornament is all that says it is a rating.
        if (MetricName.Normalise(metric) is "user_score" or "user_eval" or "user_evaluation" or "human_score" or "human_eval" or "human_evaluation")
        {
            return new(GoodEnd.High, FailureKind.NegativeFeedback, IsFeedback: true);
        }

        var words = MetricName.Words(metric);
        foreach (var (pattern, nature) in Table)
        {
            if (pattern[0] == "=" ? IsExactly(pattern, words) : Stands(pattern, words))
            {
                return nature;
            }
        }

        return Unknown;
    }

    private static IEnumerable<(string[] Words, MetricNature Nature)> Rows(MetricNature nature, params string[] names) => names.Select(name => (name.Split(' '), nature));

    private static IEnumerable<(string[] Words, MetricNature Nature)> Exactly(MetricNature nature, params string[] names) => names.Select(name => (new[] { "=", name }, nature));

    private static bool IsExactly(string[] pattern, string[] words) => words.Length == 1 && words[0] == pattern[1];

    private static bool Stands(string[] pattern, string[] words)
    {
        for (var start = 0; start + pattern.Length <= words.Length; start++)
        {
            var isThere = true;
            for (var i = 0; i < pattern.Length && isThere; i++)
            {
                isThere = IsWord(pattern[i], words[start + i]);
            }

            if (isThere)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsWord(string pattern, string word)
    {
        if (pattern.Length > 1 && pattern[0] == '*')
        {
            return word.Contains(pattern.Trim('*'), StringComparison.Ordinal);
        }

        return pattern[^1] == '*' ? word.StartsWith(pattern[..^1], StringComparison.Ordinal) : word == pattern;
    }
}
