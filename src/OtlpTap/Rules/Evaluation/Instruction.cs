using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Values;

namespace OtlpTap.Rules.Evaluation;

internal enum Operation : byte
{
    /// <summary>A slot's string against a constant: what most conditions do.</summary>
    EqualsString,

    /// <summary>A slot's int against a constant: status and kind.</summary>
    EqualsInt,

    /// <summary>A slot without a value.</summary>
    IsNil,

    /// <summary>A slot's string against the constant it starts with.</summary>
    StartsWith,

    /// <summary>A slot's string against the constant it ends with.</summary>
    EndsWith,

    Compare,
    IsMatch,
    HasPrefix,
    HasSuffix,
    IsKind,
    ContainsValue,
}

/// <summary>
/// Decides one thing and says where to go on. There are jumps only, no values in between: an instruction is reached
/// when it matters. A negative target is an end: what it means is said here.
/// </summary>
internal struct Instruction
{
    /// <summary>The condition is true.</summary>
    public const int Hit = -1;

    /// <summary>The condition is false; of gates: none is open any more.</summary>
    public const int Miss = -2;

    /// <summary>The condition comes to an error.</summary>
    public const int Error = -3;

    /// <summary>The gate of this group is open, or fails, which its rules are to find out by themselves: <see cref="OfGroup"/>.</summary>
    private const int FirstGroup = -4;

    public Operation Operation;
    public ComparisonOperator Comparison;
    public SlotKind Kind;
    public OperandCode Left;
    public OperandCode Right;

    /// <summary>Index of the pattern of <see cref="Operation.IsMatch"/>.</summary>
    public int Pattern;
    public int WhenTrue;
    public int WhenFalse;
    public int WhenError;

    public static int OfGroup(int group) => FirstGroup - group;

    public static int GroupOf(int end) => FirstGroup - end;
}

/// <summary>Where an operand's value is found.</summary>
/// <param name="Index">Of a slot, or of a constant.</param>
/// <param name="Keys">Index of the keys into the value; -1 without, and without a conversion: then the slot is the value.</param>
internal readonly record struct OperandCode(bool IsConstant, Conversion Conversion, int Index, int Keys);
