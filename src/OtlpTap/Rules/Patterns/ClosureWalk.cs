namespace OtlpTap.Rules.Patterns;

/// <summary>What stands before or after a place in the text.</summary>
internal enum Neighbour : byte
{
    /// <summary>The text starts or ends here.</summary>
    Edge,
    Newline,
    Word,
    Other,
}

/// <summary>The states that a set of states leads to without reading a byte. A set keeps its order and has each member once.</summary>
internal struct ClosureWalk(NfaState[] states, int[] members, int[] position)
{
    private readonly NfaState[] _states = states;

    // A sparse set: members[0..Count], and position[state] says where a state would stand in them.
    private readonly int[] _members = members;
    private readonly int[] _position = position;

    public int Count { get; private set; }

    /// <summary>A match is among the members.</summary>
    public bool HasMatch { get; private set; }

    public readonly ReadOnlySpan<int> Members => _members.AsSpan(0, Count);

    public static Neighbour NeighbourOf(byte value) => value switch
    {
        (byte)'\n' => Neighbour.Newline,
        (>= (byte)'0' and <= (byte)'9') or (>= (byte)'A' and <= (byte)'Z') or (byte)'_' or (>= (byte)'a' and <= (byte)'z') => Neighbour.Word,
        _ => Neighbour.Other,
    };

    public static bool Holds(Place place, Neighbour before, Neighbour after) => place switch
    {
        Place.TextStart => before == Neighbour.Edge,
        Place.TextEnd => after == Neighbour.Edge,
        Place.LineStart => before is Neighbour.Edge or Neighbour.Newline,
        Place.LineEnd => after is Neighbour.Edge or Neighbour.Newline,
        Place.WordBoundary => before == Neighbour.Word != (after == Neighbour.Word),
        _ => before == Neighbour.Word == (after == Neighbour.Word),
    };

    public void Clear()
    {
        Count = 0;
        HasMatch = false;
    }

    /// <summary>Adds a state and what it splits into. Places stay in the set, to be resolved when the next byte is known.</summary>
    public void Add(int state)
    {
        var next = Count;
        Put(state);
        Expand(next);
    }

    /// <summary>Adds what the places in the set lead to, now that both neighbours are known.</summary>
    public void ResolvePlaces(Neighbour before, Neighbour after)
    {
        for (var i = 0; i < Count; i++)
        {
            ref readonly var state = ref _states[_members[i]];
            if (state.Kind == NfaKind.Place && Holds(state.Place, before, after))
            {
                Add(state.Next);
            }
        }
    }

    private void Expand(int next)
    {
        for (; next < Count; next++)
        {
            ref readonly var state = ref _states[_members[next]];
            if (state.Kind == NfaKind.Split)
            {
                Put(state.Next);
                Put(state.Other);
            }
        }
    }

    private void Put(int state)
    {
        var at = _position[state];
        if ((uint)at < (uint)Count && _members[at] == state)
        {
            return;
        }

        _position[state] = Count;
        _members[Count++] = state;
        HasMatch |= _states[state].Kind == NfaKind.Match;
    }
}
