using OtlpTap.Rules.Evaluation;
using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Patterns;

namespace OtlpTap.Rules;

/// <summary>
/// All rules in force, ready for the scan: which attributes to put into which slot, and the conditions on them. Immutable
/// but for its counts of errors; a new configuration is a new instance.
/// </summary>
internal sealed class CompiledRules
{
    public static readonly CompiledRules None = new([], new SlotLayout([]), RuleProgram.Empty, RuleProgram.Empty, RuleProgram.Empty);

    private readonly Rule[] _rules;
    private readonly RuleProgram _spans;
    private readonly RuleProgram _events;
    private readonly RuleProgram _logs;

    // Counted up by any thread, seldom.
    private readonly long[] _errors;

    private CompiledRules(Rule[] rules, SlotLayout layout, RuleProgram spans, RuleProgram events, RuleProgram logs)
    {
        _rules = rules;
        _spans = spans;
        _events = events;
        _logs = logs;
        _errors = new long[rules.Length];
        SlotCount = layout.Count;
        ResourceSlots = layout.Resource;
        ScopeSlots = layout.Scope;
        SpanSlots = layout.Span;
        EventSlots = layout.Event;
        LogSlots = layout.Log;
        ResourceAttributes = layout.ResourceKeys;
        ScopeAttributes = layout.ScopeKeys;
        SpanAttributes = layout.SpanKeys;
        EventAttributes = layout.EventKeys;
        LogAttributes = layout.LogKeys;
    }

    public int Count => _rules.Length;

    /// <summary>Slots in a frame: the <see cref="FixedSlots"/>, then the attributes of resource, scope, span, event and log record.</summary>
    public int SlotCount { get; }

    public SlotRange ResourceSlots { get; }

    public SlotRange ScopeSlots { get; }

    public SlotRange SpanSlots { get; }

    public SlotRange EventSlots { get; }

    public SlotRange LogSlots { get; }

    /// <summary>With <c>service.name</c>, which leads to a fixed slot.</summary>
    public SlotKeys ResourceAttributes { get; }

    public SlotKeys ScopeAttributes { get; }

    /// <summary>With <c>otlptap.failure</c>, which leads to a fixed slot.</summary>
    public SlotKeys SpanAttributes { get; }

    public SlotKeys EventAttributes { get; }

    /// <summary>With <c>otlptap.failure</c>, which leads to a fixed slot.</summary>
    public SlotKeys LogAttributes { get; }

    /// <summary>Some rule looks at span events: only then need they be walked.</summary>
    public bool NeedsEvents => _events.Entries.Length > 0;

    /// <summary>Some rule looks at log records: only then need more of them be read than their ids.</summary>
    public bool NeedsLogs => _logs.Entries.Length > 0;

    public Rule this[int index] => _rules[index];

    /// <summary>How often the rule's condition came to an error, which counts as no match.</summary>
    public long ErrorsOf(int index) => Interlocked.Read(ref _errors[index]);

    /// <summary>Null, and all problems of all rules at once, when some rule cannot be put in force.</summary>
    public static CompiledRules? Compile(IReadOnlyList<Rule> rules, List<RuleProblem> problems)
    {
        var before = problems.Count;
        if (rules.Count > ushort.MaxValue)
        {
            problems.Add(new RuleProblem("rules", 1, 1, $"There are {rules.Count} rules; at most {ushort.MaxValue} can be in force."));
            return null;
        }

        CheckNames(rules, problems);
        var conditions = new Condition?[rules.Count];
        var patterns = new Dictionary<string, Pattern>(StringComparer.Ordinal);
        for (var i = 0; i < rules.Count; i++)
        {
            conditions[i] = Bind(rules[i], problems, patterns);
        }

        if (problems.Count > before)
        {
            return null;
        }

        var layout = new SlotLayout(conditions!);
        return new CompiledRules([.. rules], layout, Build(RuleContext.Span), Build(RuleContext.SpanEvent), Build(RuleContext.Log));

        RuleProgram Build(RuleContext context)
        {
            var members = Enumerable.Range(0, rules.Count).Where(i => rules[i].Context == context).Select(i => (i, conditions[i]!)).ToList();
            return members.Count == 0 ? RuleProgram.Empty : new ProgramBuilder(layout).Build(members);
        }
    }

    /// <summary>
    /// Writes the indexes of the rules that are true to <paramref name="hits"/>, ascending, and returns how many. The slots
    /// are filled from <paramref name="request"/>; <paramref name="hits"/> has room for all rules.
    /// </summary>
    public int EvaluateSpan(ReadOnlySpan<byte> request, ReadOnlySpan<Slot> slots, Span<ushort> hits) =>
        new Evaluator(_spans, request, slots).Run(hits, _errors);

    /// <summary>The same for the event whose slots are filled; those of its span, scope and resource are too.</summary>
    public int EvaluateEvent(ReadOnlySpan<byte> request, ReadOnlySpan<Slot> slots, Span<ushort> hits) =>
        new Evaluator(_events, request, slots).Run(hits, _errors);

    /// <summary>The same for the log record whose slots are filled; those of its scope and resource are too.</summary>
    public int EvaluateLog(ReadOnlySpan<byte> request, ReadOnlySpan<Slot> slots, Span<ushort> hits) =>
        new Evaluator(_logs, request, slots).Run(hits, _errors);

    private static void CheckNames(IReadOnlyList<Rule> rules, List<RuleProblem> problems)
    {
        var seen = new Dictionary<string, Rule>();
        foreach (var rule in rules)
        {
            if (!seen.TryAdd(rule.Name, rule))
            {
                problems.Add(new RuleProblem(rule.Source, 1, 1, $"The rule {rule.Name} is there twice; it stands in {seen[rule.Name].Source} as well."));
            }
        }
    }

    private static Condition? Bind(Rule rule, List<RuleProblem> problems, Dictionary<string, Pattern> patterns)
    {
        var found = new List<OttlProblem>();
        var syntax = Parser.Parse(rule.Condition, out var problem);
        if (syntax is null)
        {
            found.Add(problem);
        }

        var condition = syntax is null ? null : Binder.Bind(syntax, rule.Context, found, patterns);
        foreach (var one in found)
        {
            var (line, column) = one.LineAndColumn(rule.Condition);
            problems.Add(new RuleProblem(rule.Source, line, column, $"Rule {rule.Name}: {one.Message}", one.Supported));
        }

        return condition;
    }
}
