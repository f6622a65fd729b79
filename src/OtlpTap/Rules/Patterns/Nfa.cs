namespace OtlpTap.Rules.Patterns;

internal enum NfaKind : byte
{
    /// <summary>The pattern has matched.</summary>
    Match,

    /// <summary>Goes to <see cref="NfaState.Next"/> on a byte from Low to High.</summary>
    Bytes,

    /// <summary>Goes to both ways at once.</summary>
    Split,

    /// <summary>Goes on where the place holds.</summary>
    Place,
}

internal struct NfaState
{
    public NfaKind Kind;
    public byte Low;
    public byte High;
    public Place Place;
    public int Next;
    public int Other;
}

/// <summary>
/// A pattern as a non-deterministic automaton over the bytes of UTF-8, built from its end to its start so that each
/// state knows where it leads. A match may start anywhere: unless the pattern itself says where, the automaton begins
/// with a loop over whatever precedes it.
/// </summary>
internal sealed class Nfa
{
    /// <summary>A large class repeated a thousand times has a million states; this bounds memory to some 12 MB for each pattern.</summary>
    public const int StatesMax = 1 << 20;

    // A range of code points is cut into some 20 pieces at most (three at each end of three lengths, and one in the middle of
    // each), of four bytes and a split.
    private const int StatesOfRangeMax = 32 * 5;

    // The match, and the loop over what precedes it.
    private const int PrecedingStatesMax = 3 + StatesOfRangeMax;

    private readonly List<NfaState> _states = [];
    private readonly Dictionary<(int Next, byte Low, byte High), int> _byteStates = [];
    private bool _tooLarge;

    private Nfa()
    {
    }

    public NfaState[] States { get; private set; } = [];

    public int Start { get; private set; }

    /// <summary>Some place is asked for, so that the byte before counts.</summary>
    public bool HasPlaces { get; private set; }

    /// <summary>
    /// Whether <see cref="Build"/> will succeed. Patterns as people write them need hundreds of states, which is seen without
    /// building them: the automaton itself is for the first value that meets the pattern.
    /// </summary>
    public static bool Fits(PatternNode node) => StatesAtMost(node) <= StatesMax || (StatesAtLeast(node) <= StatesMax && Build(node) is not null);

    /// <summary>Null when the pattern needs more than <see cref="StatesMax"/> states.</summary>
    public static Nfa? Build(PatternNode node)
    {
        var nfa = new Nfa();
        var match = nfa.Add(new NfaState { Kind = NfaKind.Match });
        var body = nfa.Compile(node, match);
        nfa.Start = body;
        if (!StartsAtTextStart(node))
        {
            nfa.Start = nfa.Add(new NfaState { Kind = NfaKind.Split });
            nfa.SetSplit(nfa.Start, body, nfa.Compile(RuneSet.Any, nfa.Start));
        }

        nfa.States = [.. nfa._states];
        return nfa._tooLarge ? null : nfa;
    }

    /// <summary>Too many rather than too few.</summary>
    internal static double StatesAtMost(PatternNode node) => BodyStatesAtMost(node) + PrecedingStatesMax;

    /// <summary>Too few rather than too many: ranges of code points share states, but each further one is another way to go.</summary>
    internal static double StatesAtLeast(PatternNode node) => node switch
    {
        RunesNode runes => Math.Max(1, runes.Runes.Ranges.Length - 1),
        SequenceNode sequence => sequence.Parts.Sum(StatesAtLeast),
        ChoiceNode choice => choice.Choices.Sum(StatesAtLeast),
        GroupNode group => StatesAtLeast(group.Inner),
        RepeatNode repeat => StatesAtLeast(repeat.Inner) * Math.Max(repeat.Min, repeat.Max),
        _ => 1,
    };

    private static double BodyStatesAtMost(PatternNode node) => node switch
    {
        RunesNode runes => 1.0 + (runes.Runes.Ranges.Length * StatesOfRangeMax),
        SequenceNode sequence => sequence.Parts.Sum(BodyStatesAtMost),
        ChoiceNode choice => choice.Choices.Sum(BodyStatesAtMost) + choice.Choices.Count,
        GroupNode group => BodyStatesAtMost(group.Inner),
        RepeatNode repeat => (BodyStatesAtMost(repeat.Inner) + 1) * Math.Max(repeat.Min + 1, repeat.Max),
        _ => 1,
    };

    private static bool StartsAtTextStart(PatternNode node) => node switch
    {
        PlaceNode place => place.Place == Place.TextStart,
        SequenceNode sequence => sequence.Parts.Count > 0 && StartsAtTextStart(sequence.Parts[0]),
        ChoiceNode choice => choice.Choices.All(StartsAtTextStart),
        GroupNode group => StartsAtTextStart(group.Inner),
        _ => false,
    };

    private int Compile(PatternNode node, int next)
    {
        if (_tooLarge)
        {
            return next;
        }

        switch (node)
        {
            case RunesNode runes:
                return Compile(runes.Runes, next);

            case SequenceNode sequence:
                for (var i = sequence.Parts.Count - 1; i >= 0; i--)
                {
                    next = Compile(sequence.Parts[i], next);
                }

                return next;

            case ChoiceNode choice:
                var start = Compile(choice.Choices[^1], next);
                for (var i = choice.Choices.Count - 2; i >= 0; i--)
                {
                    start = Add(new NfaState { Kind = NfaKind.Split, Next = Compile(choice.Choices[i], next), Other = start });
                }

                return start;

            case GroupNode group:
                return Compile(group.Inner, next);

            case PlaceNode place:
                HasPlaces = true;
                return Add(new NfaState { Kind = NfaKind.Place, Place = place.Place, Next = next });

            default:
                return Compile((RepeatNode)node, next);
        }
    }

    private int Compile(RepeatNode repeat, int next)
    {
        var tail = next;
        if (repeat.Max < 0)
        {
            tail = Add(new NfaState { Kind = NfaKind.Split });
            SetSplit(tail, Compile(repeat.Inner, tail), next);
        }
        else
        {
            for (var i = repeat.Min; i < repeat.Max; i++)
            {
                tail = Add(new NfaState { Kind = NfaKind.Split, Next = Compile(repeat.Inner, tail), Other = next });
            }
        }

        for (var i = 0; i < repeat.Min; i++)
        {
            tail = Compile(repeat.Inner, tail);
        }

        return tail;
    }

    /// <summary>The set as alternatives of byte sequences; equal tails are shared.</summary>
    private int Compile(RuneSet runes, int next)
    {
        if (runes.IsEmpty)
        {
            // A byte range that no byte is in.
            return Add(new NfaState { Kind = NfaKind.Bytes, Low = 1, High = 0, Next = next });
        }

        _byteStates.Clear();
        var start = -1;
        Span<byte> low = stackalloc byte[4];
        Span<byte> high = stackalloc byte[4];
        foreach (var (first, last) in runes.Ranges)
        {
            foreach (var (rangeLow, rangeHigh) in Utf8Ranges.Split(first, last))
            {
                var length = Utf8Ranges.Encode(rangeLow, low);
                Utf8Ranges.Encode(rangeHigh, high);
                var state = next;
                for (var i = length - 1; i >= 0; i--)
                {
                    state = AddBytes(low[i], high[i], state);
                }

                start = start < 0 ? state : Add(new NfaState { Kind = NfaKind.Split, Next = state, Other = start });
            }
        }

        return start;
    }

    private int AddBytes(byte low, byte high, int next)
    {
        if (!_byteStates.TryGetValue((next, low, high), out var state))
        {
            state = Add(new NfaState { Kind = NfaKind.Bytes, Low = low, High = high, Next = next });
            _byteStates.Add((next, low, high), state);
        }

        return state;
    }

    private void SetSplit(int index, int next, int other)
    {
        if (!_tooLarge)
        {
            _states[index] = _states[index] with { Next = next, Other = other };
        }
    }

    private int Add(NfaState state)
    {
        _tooLarge |= _states.Count >= StatesMax;
        if (_tooLarge)
        {
            return 0;
        }

        _states.Add(state);
        return _states.Count - 1;
    }
}
