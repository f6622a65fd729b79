using OtlpTap.Otlp;

namespace OtlpTap.Health.Steps;

/// <summary>Whose trace it is, as far as its spans have told.</summary>
internal readonly record struct TraceOwner(string Service, string Agent);

/// <summary>
/// Which service and agent a trace belongs to: spans of tools and models mostly do not say it, and verdicts come long after.
/// <para>
/// A table of fixed size, eight places for each of its rows, in which the one longest not spoken of makes room: 48 bytes a
/// place. The last agent that a trace tells of counts: an outer one ends, and comes, after those that it called.
/// </para>
/// Any thread.
/// </summary>
internal sealed class TraceOwners
{
    /// <summary>Traces: eleven minutes of them where fifty begin in a second. 1.5 MiB.</summary>
    public const int TracesMax = 32_768;

    /// <summary>
    /// Of names, each of which is kept once however many traces have it: twenty thousand of ordinary length. Who sends ever new ones
    /// has everything forgotten: the table would keep up to 27 MB of them alive.
    /// </summary>
    public const int NameBytesMax = 4 << 20;

    /// <summary>A string's own and its place among the names.</summary>
    private const int NameOverheadBytes = 64;

    private const int RowLength = 8;

    private readonly Lock _gate = new();

    // Made for the first that is told: a tap that no agent has found yet stays small.
    private Place[]? _places;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private long _nameBytes;
    private long _sequence;

    public long NameBytes
    {
        get
        {
            lock (_gate)
            {
                return _nameBytes;
            }
        }
    }

    public void Tell(in TraceId trace, in TraceOwner owner)
    {
        lock (_gate)
        {
            if (_nameBytes > NameBytesMax)
            {
                Forget();
            }

            var row = Row(_places ??= new Place[TracesMax], trace);
            ref var place = ref row[0];
            foreach (ref var candidate in row)
            {
                if (candidate.Sequence != 0 && candidate.Trace == trace)
                {
                    place = ref candidate;
                    break;
                }

                if (candidate.Sequence < place.Sequence)
                {
                    place = ref candidate;
                }
            }

            place = new Place { Trace = trace, Owner = new TraceOwner(Kept(owner.Service), Kept(owner.Agent)), Sequence = ++_sequence };
        }
    }

    public bool TryFind(in TraceId trace, out TraceOwner owner)
    {
        lock (_gate)
        {
            foreach (ref var place in _places is null ? default : Row(_places, trace))
            {
                if (place.Sequence != 0 && place.Trace == trace)
                {
                    place.Sequence = ++_sequence;
                    owner = place.Owner;
                    return true;
                }
            }
        }

        owner = new TraceOwner("", "");
        return false;
    }

    private string Kept(string name)
    {
        if (_names.TryGetValue(name, out var kept))
        {
            return kept;
        }

        _names.Add(name);
        _nameBytes += NameOverheadBytes + (name.Length * sizeof(char));
        return name;
    }

    private void Forget()
    {
        _places = null;
        _names.Clear();
        _nameBytes = 0;
    }

    private static Span<Place> Row(Place[] places, in TraceId trace) => places.AsSpan((trace.GetHashCode() & ((TracesMax / RowLength) - 1)) * RowLength, RowLength);

    private struct Place
    {
        public TraceId Trace;
        public TraceOwner Owner;
        public long Sequence;
    }
}
