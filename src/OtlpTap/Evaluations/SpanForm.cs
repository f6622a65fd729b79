using OtlpTap.Otlp;

namespace OtlpTap.Evaluations;

/// <summary>A span that holds evaluations: which forms they have, and which span they speak of.</summary>
internal sealed class SpanForm
{
    private readonly string _name;
    private readonly Attributes _attributes;
    private readonly EvaluationTarget? _link;
    private readonly int _links;
    private readonly ItemHead _head;
    private readonly string? _openInferenceKind;
    private readonly bool _isGuard;

    /// <param name="link">The only link; null where there are none or several.</param>
    public SpanForm(string name, Attributes attributes, EvaluationTarget? link, int links, in ItemHead head)
    {
        _name = name;
        _attributes = attributes;
        _link = link;
        _links = links;
        _head = head;
        _openInferenceKind = attributes.Text("openinference.span.kind");
        var kinds = (_openInferenceKind, Langfuse: attributes.Text("langfuse.observation.type"), Mlflow: attributes.Text("mlflow.spanType")?.Trim('"'));
        var operation = attributes.Text("gen_ai.operation.name");
        _isGuard = kinds._openInferenceKind == "GUARDRAIL" || kinds.Langfuse == "guardrail" || kinds.Mlflow == "GUARDRAIL" || attributes.Has("gen_ai.guardrail.status");
        var hasKind = kinds is not (null, null, null) || operation is not null;
        IsEvaluator = !_isGuard
            && (kinds._openInferenceKind == "EVALUATOR" || kinds.Langfuse == "evaluator" || kinds.Mlflow == "EVALUATOR"
                || operation?.StartsWith("evaluat", StringComparison.OrdinalIgnoreCase) == true
                || attributes.Text("logfire.span_type") == "annotation"
                || (!hasKind && (link is not null || IsNamedSo(name) || HasSessionScopeAlone())));
    }

    /// <summary>The span evaluates another one.</summary>
    public bool IsEvaluator { get; }

    /// <summary>Whom the results on this span and on its events speak of.</summary>
    public EvaluationTarget Target => !IsEvaluator ? Self
        : _link ?? (_head.Response != 0 ? new EvaluationTarget(_head.TraceId, _head.ParentId, IsCertain: false, _head.Response, 0)
        : !_head.ParentId.IsZero ? new EvaluationTarget(_head.TraceId, _head.ParentId, IsCertain: true, 0, 0)
        : Session);

    private EvaluationTarget Self => new(_head.TraceId, _head.SpanId, IsCertain: true, 0, 0);

    // A root without a link says at most which session it means.
    private EvaluationTarget Session => new(default, default, IsCertain: false, 0, _head.Session);

    public IEnumerable<Evaluation> Evaluations(CustomMetricNames custom)
    {
        if (_attributes.Text("logfire.span_type") == "annotation")
        {
            return ResultReader.Logfire(_attributes) is { } annotation ? [annotation with { Target = Target }] : [];
        }

        if (_isGuard)
        {
            return Guard() is { } guard ? [guard with { Target = Self }] : [];
        }

        var results = new List<Evaluation>();
        if (ResultReader.Standard(_attributes, null) is { } standard)
        {
            results.Add(standard with { Target = Target });
        }

        results.AddRange(ResultReader.ByMetric(_attributes).Select(result => result with { Target = Target }));
        results.AddRange(ResultReader.OpenInference(_attributes).Select(result => result with { Target = OpenInferenceTarget(result) }));
        results.AddRange(custom.In(_attributes).Where(name => _attributes[name] is double or bool).Select(name => new Evaluation { Metric = name, Score = _attributes.Number(name), Target = Target }));
        if (results.Count == 0 && IsEvaluator && !HasFailed())
        {
            var output = _attributes.Text("langfuse.observation.output", "mlflow.spanOutputs", "output.value");
            results.AddRange(output is null ? [] : ResultReader.Output(output, _name).Select(result => result with { Target = Target }));
        }

        return results;
    }

    /// <summary>The specification: parentage is no target. A session's result may do with the session's id.</summary>
    private EvaluationTarget OpenInferenceTarget(Evaluation result)
    {
        if (!IsEvaluator)
        {
            return Self;
        }

        return _link ?? new EvaluationTarget(default, default, IsCertain: false, _links == 0 ? _head.Response : 0, result.Scope == EvaluationScope.Session ? _head.Session : 0);
    }

    private Evaluation? Guard()
    {
        var status = _attributes.Text("gen_ai.guardrail.status");
        bool? isTriggered = _attributes["guardrail.triggered"] is bool triggered ? triggered
            : status is not null ? status.Equals("FAILED", StringComparison.OrdinalIgnoreCase) ? true : status.Equals("PASSED", StringComparison.OrdinalIgnoreCase) ? false : null
            : _attributes.Text("langfuse.observation.output", "mlflow.spanOutputs") is { } output ? ResultReader.IsTriggered(output) : null;
        if (isTriggered is null || _attributes.Has("gen_ai.guardrail.error.type"))
        {
            return null; // nothing said, or the guard itself failed
        }

        return new Evaluation
        {
            Metric = ResultReader.Cut(_attributes.Text("gen_ai.guardrail.name", "guardrail.name") ?? _name)!,
            Label = isTriggered.Value ? "failed" : "passed",
            Explanation = ResultReader.Cut(_attributes.Text("guardrail.reason", "gen_ai.guardrail.reason")),
            IsGuard = true,
        };
    }

    private bool HasFailed() => _attributes.Text("langfuse.observation.level") == "ERROR" || _attributes.Has("error.type");

    // An annotation of a session on a span that is nothing else.
    private bool HasSessionScopeAlone() =>
        _head.Session != 0 && _attributes.All.Any(attribute => attribute.Key.StartsWith("session.annotations.", StringComparison.Ordinal) || attribute.Key.StartsWith("session.evaluations.", StringComparison.Ordinal));

    private static bool IsNamedSo(string name) =>
        name.StartsWith("evaluate", StringComparison.OrdinalIgnoreCase) || name.StartsWith("evaluation", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("evaluation", StringComparison.OrdinalIgnoreCase) || name.EndsWith("evaluator", StringComparison.OrdinalIgnoreCase);
}
