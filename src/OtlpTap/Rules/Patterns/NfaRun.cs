using System.Buffers;

namespace OtlpTap.Rules.Patterns;

/// <summary>
/// Runs a pattern whose deterministic automaton would be too large: all states it can be in are carried along, so that
/// time stays linear in the text (times the states of the pattern).
/// </summary>
internal sealed class NfaRun : IDisposable
{
    private readonly Nfa _nfa;

    // Rented: sets of up to a million states fit neither on the stack nor in the pattern, which all threads share.
    private readonly int[][] _rented;
    private ClosureWalk _current;
    private ClosureWalk _following;
    private Neighbour _before = Neighbour.Edge;
    private bool _matched;

    public NfaRun(Nfa nfa)
    {
        _nfa = nfa;
        _rented = [Rent(), Rent(), Rent(), Rent()];
        _current = new ClosureWalk(nfa.States, _rented[0], _rented[1]);
        _following = new ClosureWalk(nfa.States, _rented[2], _rented[3]);
        _current.Add(nfa.Start);
        _matched = _current.HasMatch;

        int[] Rent() => ArrayPool<int>.Shared.Rent(nfa.States.Length);
    }

    public void Step(ReadOnlySpan<byte> bytes)
    {
        var states = _nfa.States;
        foreach (var value in bytes)
        {
            if (_matched)
            {
                return;
            }

            if (_nfa.HasPlaces)
            {
                _current.ResolvePlaces(_before, ClosureWalk.NeighbourOf(value));
            }

            _following.Clear();
            foreach (var member in _current.Members)
            {
                ref readonly var state = ref states[member];
                if (state.Kind == NfaKind.Bytes && value >= state.Low && value <= state.High)
                {
                    _following.Add(state.Next);
                }
            }

            _matched = _current.HasMatch || _following.HasMatch;
            (_current, _following) = (_following, _current);
            _before = ClosureWalk.NeighbourOf(value);
        }
    }

    /// <summary>The text is over: did it match?</summary>
    public bool End()
    {
        _current.ResolvePlaces(_before, Neighbour.Edge);
        return _matched || _current.HasMatch;
    }

    public void Dispose()
    {
        foreach (var array in _rented)
        {
            ArrayPool<int>.Shared.Return(array);
        }
    }
}
