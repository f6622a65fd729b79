using System.Runtime.CompilerServices;
using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Patterns;
using OtlpTap.Rules.Values;

namespace OtlpTap.Rules.Evaluation;

/// <summary>Runs a program on the slots of one span or event.</summary>
internal ref struct Evaluator
{
    /// <summary>
    /// Bytes that patterns and lists may read for one span or event, all rules together: at about a nanosecond a byte
    /// some four milliseconds, which only values of megabytes come near. What exceeds it is an error, not a match.
    /// </summary>
    public const int ReadBytesMax = 4 * 1024 * 1024;

    private readonly RuleProgram _program;
    private readonly ReadOnlySpan<byte> _request;
    private readonly ReadOnlySpan<Slot> _slots;
    private int _readBytesLeft;

    public Evaluator(RuleProgram program, ReadOnlySpan<byte> request, ReadOnlySpan<Slot> slots)
    {
        _program = program;
        _request = request;
        _slots = slots;
        _readBytesLeft = ReadBytesMax;
    }

    /// <summary>Writes the rules that are true to <paramref name="hits"/>, in their order, and counts those that fail.</summary>
    public int Run(Span<ushort> hits, long[] errors)
    {
        var count = 0;
        var next = _program.Start;
        while ((next = RunFrom(next)) != Instruction.Miss)
        {
            ref readonly var group = ref _program.Groups[Instruction.GroupOf(next)];
            foreach (ref readonly var entry in _program.Entries.AsSpan(group.First, group.Count))
            {
                switch (RunFrom(entry.Start))
                {
                    case Instruction.Hit:
                        count = Insert(hits, count, entry.Rule);
                        break;
                    case Instruction.Error:
                        Interlocked.Increment(ref errors[entry.Rule]);
                        break;
                }
            }

            next = group.Next;
        }

        return count;
    }

    private static int Insert(Span<ushort> hits, int count, ushort rule)
    {
        var at = count;
        while (at > 0 && hits[at - 1] > rule)
        {
            hits[at] = hits[at - 1];
            at--;
        }

        hits[at] = rule;
        return count + 1;
    }

    /// <summary>Follows the jumps to an end.</summary>
    private int RunFrom(int next)
    {
        var instructions = _program.Instructions;
        while (next >= 0)
        {
            ref readonly var instruction = ref instructions[next];
            bool isTrue;
            switch (instruction.Operation)
            {
                case Operation.EqualsString:
                {
                    ref readonly var slot = ref _slots[instruction.Left.Index];
                    ref readonly var constant = ref _program.Constants[instruction.Right.Index];
                    isTrue = slot.Kind == SlotKind.String
                        && slot.Length == constant.Length
                        && _request.Slice(slot.Offset, slot.Length).SequenceEqual(_program.ConstantBytes.AsSpan(constant.Offset, constant.Length));
                    break;
                }

                case Operation.EqualsInt when _slots[instruction.Left.Index].Kind != SlotKind.Double:
                {
                    ref readonly var slot = ref _slots[instruction.Left.Index];
                    isTrue = slot.Kind == SlotKind.Int && slot.Bits == _program.Constants[instruction.Right.Index].Bits;
                    break;
                }

                case Operation.IsNil:
                {
                    ref readonly var slot = ref _slots[instruction.Left.Index];
                    isTrue = slot.Kind is SlotKind.Missing or SlotKind.Empty || (slot.Kind == SlotKind.Bytes && slot.Length == 0);
                    break;
                }

                case Operation.IsKind when instruction.Left.Keys < 0 && !instruction.Left.IsConstant:
                    isTrue = _slots[instruction.Left.Index].Kind == instruction.Kind;
                    break;

                case Operation.IsMatch when instruction.Left.Keys < 0 && !instruction.Left.IsConstant && _slots[instruction.Left.Index].Kind == SlotKind.Missing:
                    isTrue = false;
                    break;

                case Operation.StartsWith or Operation.EndsWith when _slots[instruction.Left.Index].Kind == SlotKind.String:
                {
                    ref readonly var slot = ref _slots[instruction.Left.Index];
                    ref readonly var constant = ref _program.Constants[instruction.Right.Index];
                    var text = _request.Slice(slot.Offset, slot.Length);
                    var affix = _program.ConstantBytes.AsSpan(constant.Offset, constant.Length);
                    isTrue = instruction.Operation == Operation.StartsWith ? text.StartsWith(affix) : text.EndsWith(affix);
                    break;
                }

                default:
                    var outcome = RunGeneral(in instruction);
                    if (outcome == Outcome.Error)
                    {
                        next = instruction.WhenError;
                        continue;
                    }

                    isTrue = outcome == Outcome.True;
                    break;
            }

            next = isTrue ? instruction.WhenTrue : instruction.WhenFalse;
        }

        return next;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Outcome RunGeneral(in Instruction instruction)
    {
        if (!TryResolve(instruction.Left, out var left))
        {
            return Outcome.Error;
        }

        switch (instruction.Operation)
        {
            case Operation.IsMatch:
                return IsMatch(in left, _program.Patterns[instruction.Pattern]);
            case Operation.IsKind:
                return Of(left.Slot.Kind == instruction.Kind);
        }

        if (!TryResolve(instruction.Right, out var right))
        {
            return Outcome.Error;
        }

        switch (instruction.Operation)
        {
            case Operation.StartsWith or Operation.EndsWith:
                return Outcome.Error;
            case Operation.HasPrefix or Operation.HasSuffix when left.Slot.Kind != SlotKind.String || right.Slot.Kind != SlotKind.String:
                return Outcome.Error;
            case Operation.HasPrefix:
                return Of(left.Bytes.StartsWith(right.Bytes));
            case Operation.HasSuffix:
                return Of(left.Bytes.EndsWith(right.Bytes));
            case Operation.ContainsValue:
                return Contains(in left, in right);
            default:
                return Comparison.Compare(in left, instruction.Comparison, in right);
        }
    }

    private Outcome IsMatch(in ValueView target, Pattern pattern)
    {
        if (target.Slot.Kind is SlotKind.Missing or SlotKind.Empty)
        {
            return Outcome.False;
        }

        if (!TrySpend(target.Slot.Length))
        {
            return Outcome.Error;
        }

        return target.Slot.Kind == SlotKind.String ? Of(pattern.IsMatch(target.Bytes)) : ValueText.IsMatch(in target, pattern);
    }

    private Outcome Contains(in ValueView list, in ValueView item)
    {
        if (list.Slot.Kind != SlotKind.List || !TrySpend(list.Slot.Length))
        {
            return Outcome.Error;
        }

        var elements = AnyValues.ReaderOf(list.Source, in list.Slot);
        while (elements.Next())
        {
            if (elements.Tag != AnyValues.Element)
            {
                continue;
            }

            if (!AnyValues.TryRead(list.Source, elements.ValueOffset, elements.ValueEnd, out var element))
            {
                return Outcome.Error;
            }

            if (Comparison.Compare(new ValueView(element, list.Source), ComparisonOperator.Equal, in item) == Outcome.True)
            {
                return Outcome.True;
            }
        }

        return elements.IsMalformed ? Outcome.Error : Outcome.False;
    }

    /// <summary>
    /// False is OTTL's error: a key into what is no map, an index into what is no list or beyond its end. A key that a map
    /// lacks is no error, and what follows it is nil as well.
    /// </summary>
    private bool TryResolve(OperandCode operand, out ValueView value)
    {
        if (operand.IsConstant)
        {
            value = new ValueView(_program.Constants[operand.Index], _program.ConstantBytes);
            return true;
        }

        var slot = _slots[operand.Index];
        var isValid = operand.Keys < 0
            || (TryIndex(ref slot, _program.Keys[operand.Keys])
                && (operand.Conversion == Conversion.None || (TrySpend(slot.Length) && ValueConversion.TryConvert(_request, operand.Conversion, ref slot))));
        value = new ValueView(slot, _request);
        return isValid;
    }

    private bool TryIndex(ref Slot slot, ValueKey[] keys)
    {
        foreach (var key in keys)
        {
            if (slot.Kind == SlotKind.Missing)
            {
                return true;
            }

            if (slot.Kind != (key.Name is null ? SlotKind.List : SlotKind.Map) || !TrySpend(slot.Length))
            {
                return false;
            }

            var inner = slot;
            if (key.Name is null ? !AnyValues.TryGetAt(_request, in inner, key.Index, out slot) : !AnyValues.TryFind(_request, in inner, key.Name, out slot))
            {
                return false;
            }
        }

        return true;
    }

    private bool TrySpend(int bytes)
    {
        if (bytes > _readBytesLeft)
        {
            return false;
        }

        _readBytesLeft -= bytes;
        return true;
    }

    private static Outcome Of(bool value) => value ? Outcome.True : Outcome.False;
}
