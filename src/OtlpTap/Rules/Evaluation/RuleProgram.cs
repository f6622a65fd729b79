using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Patterns;

namespace OtlpTap.Rules.Evaluation;

/// <summary>The conditions of all rules of one context, as instructions. Immutable and shared by all threads.</summary>
internal sealed class RuleProgram
{
    public static readonly RuleProgram Empty = new()
    {
        Groups = [],
        Entries = [],
        Instructions = [],
        Patterns = [],
        Constants = [],
        ConstantBytes = [],
        Keys = [],
    };

    public required RuleGroup[] Groups { get; init; }

    public required RuleEntry[] Entries { get; init; }

    public required Instruction[] Instructions { get; init; }

    public required Pattern[] Patterns { get; init; }

    public required Slot[] Constants { get; init; }

    public required byte[] ConstantBytes { get; init; }

    public required ValueKey[][] Keys { get; init; }
}

/// <summary>Rules that need not be looked at when their gate is closed.</summary>
/// <param name="Gate">The instruction that decides; -1: always open.</param>
internal readonly record struct RuleGroup(int Gate, int First, int Count);

/// <param name="Start">Its first instruction, or <see cref="Instruction.Hit"/> or <see cref="Instruction.Miss"/> when nothing is left to decide.</param>
internal readonly record struct RuleEntry(ushort Rule, int Start);
