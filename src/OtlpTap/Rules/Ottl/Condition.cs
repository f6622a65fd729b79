using OtlpTap.Rules.Patterns;
using OtlpTap.Rules.Values;

namespace OtlpTap.Rules.Ottl;

/// <summary>A condition whose names and types have been checked: what remains to be decided is decided by values.</summary>
internal abstract record Condition
{
    public static readonly Condition True = new ConstantCondition(true);
    public static readonly Condition False = new ConstantCondition(false);
}

internal sealed record ConstantCondition(bool Value) : Condition;

internal sealed record NotCondition(Condition Inner) : Condition;

/// <summary>Evaluated from left to right until one is false or fails.</summary>
internal sealed record AllCondition(IReadOnlyList<Condition> Parts) : Condition;

/// <summary>Evaluated from left to right until one is true or fails.</summary>
internal sealed record AnyCondition(IReadOnlyList<Condition> Parts) : Condition;

/// <summary>Two conditions with the same outcome; both are evaluated.</summary>
internal sealed record SameCondition(Condition Left, Condition Right) : Condition;

internal sealed record CompareCondition(Operand Left, ComparisonOperator Operator, Operand Right) : Condition;

/// <summary><c>IsMatch</c>: false for nil, an error for what has no text.</summary>
internal sealed record MatchCondition(Operand Target, Pattern Pattern) : Condition;

/// <summary><c>HasPrefix</c>, <c>HasSuffix</c>: an error unless both are strings.</summary>
internal sealed record AffixCondition(Operand Target, Operand Affix, bool AtStart) : Condition;

/// <summary><c>IsString</c> and its like.</summary>
internal sealed record KindCondition(Operand Target, SlotKind Kind) : Condition;

/// <summary><c>ContainsValue</c>: an error unless the target is a list.</summary>
internal sealed record ContainsCondition(Operand Target, Operand Item) : Condition;

internal abstract record Operand;

/// <summary>A value that the scan puts into a slot, and the keys into it.</summary>
internal sealed record PathOperand(SlotReference Slot, IReadOnlyList<ValueKey> Keys) : Operand;

/// <summary>A value of a slot that a converter is applied to first.</summary>
internal sealed record ConvertedOperand(PathOperand Path, Conversion Conversion) : Operand;

internal sealed record ConstantOperand(Constant Value) : Operand;

/// <summary>A key into a map, or an index into a list when <see cref="Name"/> is null.</summary>
internal sealed record ValueKey(byte[]? Name, long Index);

/// <summary>Whose fields and attributes a path reads.</summary>
internal enum SlotSection : byte
{
    Fixed,
    Resource,
    Scope,
    Span,
    Event,
    Log,
}

/// <summary>A slot before the layout is known: one of <see cref="FixedSlots"/>, or an attribute by its key.</summary>
internal readonly record struct SlotReference(SlotSection Section, int Fixed, string Attribute)
{
    public static SlotReference OfField(int slot) => new(SlotSection.Fixed, slot, "");

    public static SlotReference OfAttribute(SlotSection section, string key) => (section, key) switch
    {
        (SlotSection.Resource, "service.name") => OfField(FixedSlots.ServiceName),
        _ => new SlotReference(section, 0, key),
    };
}
