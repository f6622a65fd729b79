using OtlpTap.Otlp;

namespace OtlpTap.Health.Steps;

/// <summary>Whose trace it is, as far as its spans have told.</summary>
internal readonly record struct TraceOwner(string Service, string Agent);

/// <summary>
/// Which service and agent a trace belongs to: spans of tools and models mostly do not say it, and verdicts come long after.
/// <para>
/// A table of fixed size, eight places for each of its rows, in which the one longest not spoken of makes room: 44 bytes a
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

    // Made for the first that is told: a tap that no agent has found yet stays small. What is searched lies side by side.
    private int[] _hashes = [];
    private long[] _sequences = [];
    private Place[] _places = [];
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

    /// <summary>It will be told of, or asked for, in a moment.</summary>
    public void Prepare(in TraceId trace)
    {
        var row = RowOf(trace.GetHashCode());
        Prefetch.Line(_hashes, row);
        Prefetch.Line(_sequences, row);
    }

    public void Tell(in TraceId trace, in TraceOwner owner)
    {
        lock (_gate)
        {
            if (_nameBytes > NameBytesMax)
            {
                Forget();
            }

            if (_places.Length == 0)
            {
                (_hashes, _sequences, _places) = (new int[TracesMax], new long[TracesMax], new Place[TracesMax]);
            }

            var hash = trace.GetHashCode();
            var at = Find(trace, hash);
            if (at < 0)
            {
                at = OldestIn(RowOf(hash));
                _hashes[at] = hash;
            }

            _sequences[at] = ++_sequence;
            _places[at] = new Place(trace, new TraceOwner(Kept(owner.Service), Kept(owner.Agent)));
        }
    }

    public bool TryFind(in TraceId trace, out TraceOwner owner)
    {
        lock (_gate)
        {
            if (_places.Length > 0 && Find(trace, trace.GetHashCode()) is >= 0 and var at)
            {
                _sequences[at] = ++_sequence;
                owner = _places[at].Owner;
                return true;
            }
        }

        owner = new TraceOwner("", "");
        return false;
    }

    private int Find(in TraceId trace, int hash)
    {
        var row = RowOf(hash);
        for (var at = row; at < row + RowLength; at++)
        {
            if (_hashes[at] == hash && _sequences[at] != 0 && _places[at].Trace == trace)
            {
                return at;
            }
        }

        return -1;
    }

    private int OldestIn(int row)
    {
        var oldest = row;
        for (var at = row + 1; at < row + RowLength; at++)
        {
            oldest = _sequences[at] < _sequences[oldest] ? at : oldest;
        }

        return oldest;
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
        (_hashes, _sequences, _places) = ([], [], []);
        _names.Clear();
        _nameBytes = 0;
    }

    private static int RowOf(int hash) => (hash & ((TracesMax / RowLength) - 1)) * RowLength;

    private readonly record struct Place(TraceId Trace, TraceOwner Owner);
}
