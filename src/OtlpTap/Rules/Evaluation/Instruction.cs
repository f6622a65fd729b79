using OtlpTap.Rules.Ottl;

namespace OtlpTap.Rules.Evaluation;

internal enum Operation : byte
{
    /// <summary>A slot's string against a constant: what most conditions do.</summary>
    EqualsString,

    /// <summary>A slot's int against a constant: status and kind.</summary>
    EqualsInt,

    /// <summary>A slot without a value.</summary>
    IsNil,

    Compare,
    IsMatch,
    HasPrefix,
    HasSuffix,
    IsKind,
    ContainsValue,
}

/// <summary>
/// Decides one thing and says where to go on. There are jumps only, no values in between: an instruction is reached
/// when it matters, and an error ends the rule.
/// </summary>
internal struct Instruction
{
    /// <summary>In place of an instruction: the condition is true, or false.</summary>
    public const int Hit = -1;
    public const int Miss = -2;

    public Operation Operation;
    public ComparisonOperator Comparison;
    public SlotKind Kind;
    public OperandCode Left;
    public OperandCode Right;

    /// <summary>Index of the pattern of <see cref="Operation.IsMatch"/>.</summary>
    public int Pattern;
    public int WhenTrue;
    public int WhenFalse;
}

/// <summary>Where an operand's value is found.</summary>
/// <param name="Index">Of a slot, or of a constant.</param>
/// <param name="Keys">Index of the keys into the value; -1 without.</param>
internal readonly record struct OperandCode(bool IsConstant, int Index, int Keys);
