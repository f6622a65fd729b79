using System.Globalization;
using System.Text;

namespace OtlpTap.Rules;

/// <summary>All rules in force, ready for the scan. Immutable; a new configuration is a new instance.</summary>
internal sealed class CompiledRules
{
    public static readonly CompiledRules None = Compile([], [])!;

    private readonly Rule[] _rules;
    private readonly Test[][] _tests;

    private CompiledRules(Rule[] rules)
    {
        _rules = rules;
        var resource = new List<string> { "service.name" };
        var scope = new List<string>();
        var span = new List<string> { "otlptap.failure" };
        var events = new List<string>();
        var parsed = Array.ConvertAll(rules, rule => Array.ConvertAll(rule.Condition.Split(" and "), Parse));
        foreach (var test in parsed.SelectMany(tests => tests))
        {
            var list = test.Map switch { "resource" => resource, "instrumentation_scope" => scope, "span" => span, "spanevent" => events, _ => null };
            if (list is not null && !list.Contains(test.Key))
            {
                list.Add(test.Key);
            }
        }

        // Fixed slots first, then the attributes of each message; service.name and otlptap.failure live in fixed slots.
        var next = FixedSlots.Count;
        (ResourceSlots, ResourceAttributes) = Table(resource, FixedSlots.ServiceName);
        (ScopeSlots, ScopeAttributes) = Table(scope, -1);
        (SpanSlots, SpanAttributes) = Table(span, FixedSlots.SpanTagged);
        (EventSlots, EventAttributes) = Table(events, -1);
        SlotCount = next;
        NeedsEvents = Array.Exists(rules, rule => rule.Context == RuleContext.SpanEvent);
        _tests = Array.ConvertAll(parsed, tests => Array.ConvertAll(tests, test => test.Map is null
            ? test
            : test with { Slot = (test.Map switch { "resource" => ResourceAttributes, "instrumentation_scope" => ScopeAttributes, "span" => SpanAttributes, _ => EventAttributes }).Find(Encoding.UTF8.GetBytes(test.Key)) }));

        (SlotRange, SlotKeys) Table(List<string> keys, int fixedSlot)
        {
            var start = next;
            var table = new List<(byte[], int)>();
            for (var i = 0; i < keys.Count; i++)
            {
                table.Add((Encoding.UTF8.GetBytes(keys[i]), i == 0 && fixedSlot >= 0 ? fixedSlot : next++));
            }

            return (new SlotRange(start, next - start), new SlotKeys(table));
        }
    }

    public int Count => _rules.Length;

    public int SlotCount { get; }

    public SlotRange ResourceSlots { get; }

    public SlotRange ScopeSlots { get; }

    public SlotRange SpanSlots { get; }

    public SlotRange EventSlots { get; }

    public SlotKeys ResourceAttributes { get; }

    public SlotKeys ScopeAttributes { get; }

    public SlotKeys SpanAttributes { get; }

    public SlotKeys EventAttributes { get; }

    public bool NeedsEvents { get; }

    public Rule this[int index] => _rules[index];

    public static CompiledRules? Compile(IReadOnlyList<Rule> rules, List<RuleProblem> problems) => new([.. rules]);

    public int EvaluateSpan(ReadOnlySpan<byte> request, ReadOnlySpan<Slot> slots, Span<ushort> hits) =>
        Evaluate(RuleContext.Span, request, slots, hits);

    public int EvaluateEvent(ReadOnlySpan<byte> request, ReadOnlySpan<Slot> slots, Span<ushort> hits) =>
        Evaluate(RuleContext.SpanEvent, request, slots, hits);

    private int Evaluate(RuleContext context, ReadOnlySpan<byte> request, ReadOnlySpan<Slot> slots, Span<ushort> hits)
    {
        var count = 0;
        for (var i = 0; i < _rules.Length; i++)
        {
            if (_rules[i].Context != context)
            {
                continue;
            }

            var all = true;
            foreach (ref readonly var test in _tests[i].AsSpan())
            {
                if (!test.IsTrue(request, in slots[test.Slot]))
                {
                    all = false;
                    break;
                }
            }

            if (all)
            {
                hits[count++] = (ushort)i;
            }
        }

        return count;
    }

    private static Test Parse(string text)
    {
        var parts = text.Trim().Split(' ', 3);
        var path = parts[0];
        var bracket = path.IndexOf(".attributes[\"", StringComparison.Ordinal);
        var test = bracket >= 0
            ? new Test { Map = path[..bracket], Key = path[(bracket + 13)..^2] }
            : new Test
            {
                Slot = path switch
                {
                    "span.name" => FixedSlots.SpanName,
                    "span.kind" => FixedSlots.SpanKind,
                    "span.status.code" => FixedSlots.StatusCode,
                    "span.status.message" => FixedSlots.StatusMessage,
                    "instrumentation_scope.name" => FixedSlots.ScopeName,
                    "instrumentation_scope.version" => FixedSlots.ScopeVersion,
                    "spanevent.name" => FixedSlots.EventName,
                    _ => throw new ArgumentException(text),
                },
            };
        return parts[2] switch
        {
            "nil" => test with { Kind = SlotKind.Missing, Negated = parts[1] == "!=" },
            "true" or "false" => test with { Kind = SlotKind.Bool, Number = parts[2] == "true" ? 1 : 0, Negated = parts[1] == "!=" },
            ['"', .. var value, '"'] => test with { Kind = SlotKind.String, Text = Encoding.UTF8.GetBytes(value), Negated = parts[1] == "!=" },
            var number => test with { Kind = SlotKind.Int, Number = long.Parse(number, CultureInfo.InvariantCulture), Negated = parts[1] == "!=" },
        };
    }

    private readonly record struct Test()
    {
        public string? Map { get; init; }

        public string Key { get; init; } = "";

        public int Slot { get; init; }

        public SlotKind Kind { get; init; }

        public byte[] Text { get; init; } = [];

        public long Number { get; init; }

        public bool Negated { get; init; }

        public bool IsTrue(ReadOnlySpan<byte> request, in Slot slot) =>
            Negated != (Kind == slot.Kind
                && (Kind != SlotKind.String || request.Slice(slot.Offset, slot.Length).SequenceEqual(Text))
                && (Kind is not (SlotKind.Int or SlotKind.Bool) || slot.Bits == Number));
    }
}
