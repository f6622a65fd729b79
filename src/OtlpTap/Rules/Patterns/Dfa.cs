using System.Runtime.InteropServices;

namespace OtlpTap.Rules.Patterns;

/// <summary>
/// A pattern as a deterministic automaton over bytes: one table look-up for each byte, whatever the pattern. States are
/// the rows of the table, by the offset of their row; two are not there: <see cref="Dead"/> (no match can come any
/// more) and <see cref="Matched"/> (whatever follows).
/// </summary>
internal sealed class Dfa
{
    public const int Dead = 0;
    public const int Matched = 1;

    /// <summary>Patterns with more states are simulated instead; the packs' have fewer than a hundred.</summary>
    private const int StatesMax = 4000;

    /// <summary>Members of all sets together: bounds the time of the construction to some ten milliseconds.</summary>
    private const int WorkMax = 1 << 20;

    private readonly byte[] _classOf;
    private readonly int[] _next;
    private readonly bool[] _matchesAtEnd;
    private readonly int _classCount;

    private Dfa(byte[] classOf, int classCount, int[] next, bool[] matchesAtEnd, int start)
    {
        _classOf = classOf;
        _classCount = classCount;
        _next = next;
        _matchesAtEnd = matchesAtEnd;
        Start = start;
    }

    public int Start { get; }

    public int StateCount => _matchesAtEnd.Length;

    /// <summary>Null when the automaton would be too large.</summary>
    public static Dfa? Build(Nfa nfa) => new Builder(nfa).Build();

    /// <summary>Stops early at <see cref="Dead"/> and <see cref="Matched"/>, which stay what they are.</summary>
    public int Step(int state, ReadOnlySpan<byte> bytes)
    {
        var next = _next;
        var classOf = _classOf;
        foreach (var value in bytes)
        {
            if (state <= Matched)
            {
                break;
            }

            state = next[state + classOf[value]];
        }

        return state;
    }

    public bool MatchesAtEnd(int state) => state == Matched || (state != Dead && _matchesAtEnd[(state / _classCount) - 1]);

    private sealed class Builder
    {
        private readonly Nfa _nfa;
        private readonly byte[] _classOf = new byte[256];
        private readonly List<byte> _classes = [];
        private readonly Dictionary<Key, int> _known = [];
        private readonly List<Key> _sets = [];
        private readonly List<int> _next = [];
        private readonly List<bool> _matchesAtEnd = [];
        private readonly List<int> _members = [];
        private readonly List<int>[] _targets;
        private int _work;

        public Builder(Nfa nfa)
        {
            _nfa = nfa;
            CutClasses();
            _targets = [.. _classes.Select(_ => new List<int>())];
        }

        // The first row is left empty, so that no state has the offset 0 or 1.
        private int RowLength => Math.Max(_classes.Count, 2);

        public Dfa? Build()
        {
            var states = _nfa.States;
            var walk = new ClosureWalk(states, new int[states.Length], new int[states.Length]);
            walk.Add(_nfa.Start);
            var start = Intern(ref walk, Neighbour.Edge);
            for (var i = 0; i < _sets.Count; i++)
            {
                if (_sets.Count > StatesMax || _work > WorkMax)
                {
                    return null;
                }

                AddRow(_sets[i], ref walk);
            }

            return new Dfa(_classOf, RowLength, [.. new int[RowLength], .. _next], [.. _matchesAtEnd], start);
        }

        private void AddRow(Key set, ref ClosureWalk walk)
        {
            var row = _next.Count;
            for (var i = 0; i < RowLength; i++)
            {
                _next.Add(Dead);
            }

            // Without places it is all the same what the next byte is.
            ReadOnlySpan<Neighbour> afters = _nfa.HasPlaces ? [Neighbour.Newline, Neighbour.Word, Neighbour.Other] : [Neighbour.Other];
            foreach (var after in afters)
            {
                Load(ref walk, set);
                walk.ResolvePlaces(set.Before, after);
                var matched = walk.HasMatch;
                CollectTargets(ref walk);
                for (var i = 0; i < _classes.Count; i++)
                {
                    var neighbour = ClosureWalk.NeighbourOf(_classes[i]);
                    if (!_nfa.HasPlaces || neighbour == after)
                    {
                        _next[row + i] = matched ? Matched : Target(row, i, ref walk, neighbour);
                    }
                }
            }

            Load(ref walk, set);
            walk.ResolvePlaces(set.Before, Neighbour.Edge);
            _matchesAtEnd.Add(walk.HasMatch);
        }

        /// <summary>For each class of bytes, the states that it leads to.</summary>
        private void CollectTargets(ref ClosureWalk walk)
        {
            foreach (var targets in _targets)
            {
                targets.Clear();
            }

            foreach (var member in walk.Members)
            {
                ref readonly var state = ref _nfa.States[member];
                if (state.Kind == NfaKind.Bytes && state.Low <= state.High)
                {
                    for (var i = _classOf[state.Low]; i <= _classOf[state.High]; i++)
                    {
                        _targets[i].Add(state.Next);
                    }
                }
            }
        }

        private int Target(int row, int at, ref ClosureWalk walk, Neighbour before)
        {
            // Most classes of a row lead to the same states, and comparing is cheaper than walking.
            var targets = CollectionsMarshal.AsSpan(_targets[at]);
            for (var i = 0; i < at; i++)
            {
                if (targets.SequenceEqual(CollectionsMarshal.AsSpan(_targets[i])) && (!_nfa.HasPlaces || ClosureWalk.NeighbourOf(_classes[i]) == before))
                {
                    return _next[row + i];
                }
            }

            walk.Clear();
            foreach (var target in targets)
            {
                walk.Add(target);
            }

            return Intern(ref walk, before);
        }

        private int Intern(ref ClosureWalk walk, Neighbour before)
        {
            if (walk.HasMatch)
            {
                return Matched;
            }

            // Splits have done their work; only what reads or asks counts.
            _members.Clear();
            foreach (var member in walk.Members)
            {
                if (_nfa.States[member].Kind != NfaKind.Split)
                {
                    _members.Add(member);
                }
            }

            if (_members.Count == 0)
            {
                return Dead;
            }

            _members.Sort();
            var key = new Key([.. _members], _nfa.HasPlaces ? before : Neighbour.Other);
            if (!_known.TryGetValue(key, out var state))
            {
                _sets.Add(key);
                _work += _members.Count;
                state = _sets.Count * RowLength;
                _known.Add(key, state);
            }

            return state;
        }

        private static void Load(ref ClosureWalk walk, Key set)
        {
            walk.Clear();
            foreach (var member in set.Members)
            {
                walk.Add(member);
            }
        }

        /// <summary>Bytes that no state tells apart are one class.</summary>
        private void CutClasses()
        {
            var cuts = new bool[257];
            cuts[0] = true;
            foreach (ref readonly var state in _nfa.States.AsSpan())
            {
                if (state.Kind == NfaKind.Bytes && state.Low <= state.High)
                {
                    cuts[state.Low] = true;
                    cuts[state.High + 1] = true;
                }
            }

            for (var value = 1; _nfa.HasPlaces && value < 256; value++)
            {
                cuts[value] |= ClosureWalk.NeighbourOf((byte)value) != ClosureWalk.NeighbourOf((byte)(value - 1));
            }

            for (var value = 0; value < 256; value++)
            {
                if (cuts[value])
                {
                    _classes.Add((byte)value);
                }

                _classOf[value] = (byte)(_classes.Count - 1);
            }
        }

        private readonly struct Key(int[] members, Neighbour before) : IEquatable<Key>
        {
            public int[] Members { get; } = members;

            public Neighbour Before { get; } = before;

            public bool Equals(Key other) => Before == other.Before && Members.AsSpan().SequenceEqual(other.Members);

            public override bool Equals(object? obj) => obj is Key other && Equals(other);

            public override int GetHashCode()
            {
                var hash = default(HashCode);
                hash.Add(Before);
                hash.AddBytes(MemoryMarshal.AsBytes(Members.AsSpan()));
                return hash.ToHashCode();
            }
        }
    }
}
