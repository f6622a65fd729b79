using System.Buffers;

namespace OtlpTap.Rules.Patterns;

/// <summary>
/// Runs a pattern whose deterministic automaton would be too large: all states it can be in are carried along, so that
/// time stays linear in the text (times the states of the pattern).
/// </summary>
internal ref struct NfaRun : IDisposable
{
    private readonly Nfa? _nfa;

    // Rented: two sets of up to a million states fit neither on the stack nor in the pattern, which all threads share.
    private readonly int[]? _buffer;
    private ClosureWalk _current;
    private ClosureWalk _following;
    private Neighbour _before;
    private bool _matched;

    public NfaRun(Nfa nfa)
    {
        _nfa = nfa;
        var count = nfa.States.Length;
        _buffer = ArrayPool<int>.Shared.Rent(4 * count);
        var buffer = _buffer.AsSpan();
        _current = new ClosureWalk(nfa.States, buffer[..count], buffer.Slice(count, count));
        _following = new ClosureWalk(nfa.States, buffer.Slice(2 * count, count), buffer.Slice(3 * count, count));
        _before = Neighbour.Edge;
        _current.Add(nfa.Start);
        _matched = _current.HasMatch;
    }

    public void Step(scoped ReadOnlySpan<byte> bytes)
    {
        var states = _nfa!.States;
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
            var spent = _current;
            _current = _following;
            _following = spent;
            _before = ClosureWalk.NeighbourOf(value);
        }
    }

    public bool MatchesAtEnd()
    {
        _current.ResolvePlaces(_before, Neighbour.Edge);
        return _matched || _current.HasMatch;
    }

    public readonly void Dispose()
    {
        if (_buffer is not null)
        {
            ArrayPool<int>.Shared.Return(_buffer);
        }
    }
}
