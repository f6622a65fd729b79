using System.Text;
using OtlpTap.Rules.Ottl;

namespace OtlpTap.Rules.Evaluation;

/// <summary>Gives every attribute that a rule asks for a slot: the fixed ones first, then resource, scope, span, event and log record.</summary>
internal sealed class SlotLayout
{
    private readonly Dictionary<SlotReference, int> _slots = [];

    public SlotLayout(IEnumerable<Condition> conditions)
    {
        var asked = new List<SlotReference>();
        foreach (var condition in conditions)
        {
            Collect(condition, asked);
        }

        Count = FixedSlots.Count;
        (Resource, ResourceKeys) = Place(SlotSection.Resource, asked, ("service.name", FixedSlots.ServiceName));
        (Scope, ScopeKeys) = Place(SlotSection.Scope, asked);
        (Span, SpanKeys) = Place(SlotSection.Span, asked, (TaggedKey, FixedSlots.SpanTagged));
        (Event, EventKeys) = Place(SlotSection.Event, asked);
        (Log, LogKeys) = Place(SlotSection.Log, asked, (TaggedKey, FixedSlots.LogTagged));
    }

    public const string TaggedKey = "otlptap.failure";

    public int Count { get; private set; }

    public SlotRange Resource { get; }

    public SlotRange Scope { get; }

    public SlotRange Span { get; }

    public SlotRange Event { get; }

    public SlotRange Log { get; }

    public SlotKeys ResourceKeys { get; }

    public SlotKeys ScopeKeys { get; }

    public SlotKeys SpanKeys { get; }

    public SlotKeys EventKeys { get; }

    public SlotKeys LogKeys { get; }

    public int SlotOf(SlotReference reference) => reference switch
    {
        { Section: SlotSection.Fixed } => reference.Fixed,
        { Section: SlotSection.Span, Attribute: TaggedKey } => FixedSlots.SpanTagged,
        { Section: SlotSection.Log, Attribute: TaggedKey } => FixedSlots.LogTagged,
        _ => _slots[reference],
    };

    private static void Collect(Condition condition, List<SlotReference> asked)
    {
        switch (condition)
        {
            case NotCondition not:
                Collect(not.Inner, asked);
                break;
            case AllCondition all:
                CollectAll(all.Parts, asked);
                break;
            case AnyCondition any:
                CollectAll(any.Parts, asked);
                break;
            case SameCondition same:
                CollectAll([same.Left, same.Right], asked);
                break;
            case CompareCondition compare:
                Collect(compare.Left, asked);
                Collect(compare.Right, asked);
                break;
            case MatchCondition match:
                Collect(match.Target, asked);
                break;
            case AffixCondition affix:
                Collect(affix.Target, asked);
                Collect(affix.Affix, asked);
                break;
            case KindCondition kind:
                Collect(kind.Target, asked);
                break;
            case ContainsCondition contains:
                Collect(contains.Target, asked);
                Collect(contains.Item, asked);
                break;
        }
    }

    private static void CollectAll(IReadOnlyList<Condition> conditions, List<SlotReference> asked)
    {
        foreach (var condition in conditions)
        {
            Collect(condition, asked);
        }
    }

    private static void Collect(Operand operand, List<SlotReference> asked)
    {
        if ((operand as PathOperand ?? (operand as ConvertedOperand)?.Path) is { } path)
        {
            asked.Add(path.Slot);
        }
    }

    private (SlotRange, SlotKeys) Place(SlotSection section, List<SlotReference> asked, params ReadOnlySpan<(string Key, int Slot)> fixedKeys)
    {
        var start = Count;
        var keys = new List<(byte[], int)>();
        foreach (var (key, slot) in fixedKeys)
        {
            keys.Add((Encoding.UTF8.GetBytes(key), slot));
        }

        foreach (var reference in asked)
        {
            var isPlaced = reference is { Section: SlotSection.Span or SlotSection.Log, Attribute: TaggedKey };
            if (reference.Section == section && !isPlaced && _slots.TryAdd(reference, Count))
            {
                keys.Add((Encoding.UTF8.GetBytes(reference.Attribute), Count));
                Count++;
            }
        }

        return (new SlotRange(start, Count - start), new SlotKeys(keys));
    }
}
