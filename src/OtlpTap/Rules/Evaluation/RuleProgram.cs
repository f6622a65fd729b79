using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Patterns;

namespace OtlpTap.Rules.Evaluation;

/// <summary>The conditions of all rules of one context, as instructions. Immutable and shared by all threads.</summary>
internal sealed class RuleProgram
{
    public static readonly RuleProgram Empty = new()
    {
        Start = Instruction.Miss,
        Groups = [],
        Entries = [],
        Instructions = [],
        Patterns = [],
        Constants = [],
        ConstantBytes = [],
        Keys = [],
    };

    /// <summary>The first gate. A gate that is closed leads to the next one, and the last to <see cref="Instruction.Miss"/>.</summary>
    public required int Start { get; init; }

    public required RuleGroup[] Groups { get; init; }

    public required RuleEntry[] Entries { get; init; }

    public required Instruction[] Instructions { get; init; }

    public required Pattern[] Patterns { get; init; }

    public required Slot[] Constants { get; init; }

    public required byte[] ConstantBytes { get; init; }

    public required ValueKey[][] Keys { get; init; }
}

/// <summary>Rules that need not be looked at when their gate is closed.</summary>
/// <param name="Next">Where the gates go on behind this group.</param>
internal readonly record struct RuleGroup(int First, int Count, int Next);

/// <param name="Start">Its first instruction, or an end when nothing is left to decide.</param>
internal readonly record struct RuleEntry(ushort Rule, int Start);
