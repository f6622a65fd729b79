using OtlpTap.Otlp;

namespace OtlpTap.Corpus;

/// <summary>What the writer holds of a case between its occurrences.</summary>
internal sealed class KnownCase(string path, HourlyLimit updates)
{
    public string Path { get; } = path;

    public HourlyLimit Updates { get; } = updates;

    /// <summary>When and how large the case's file was when it was read: people and commands change it.</summary>
    public (DateTime WrittenAt, long Length) Stamp { get; set; }

    public CaseLife Life { get; set; } = CaseLife.Open;

    public string[] Versions { get; set; } = [];

    public string[] Services { get; set; } = [];

    public string[] Models { get; set; } = [];

    /// <summary>Shapes and inputs of the traces that are kept, with the first one's.</summary>
    public HashSet<(string Shape, string Input)> Kinds { get; set; } = [];

    /// <summary>The case's own trace and those that are kept beside it.</summary>
    public HashSet<TraceId> Traces { get; set; } = [];

    public int TraceCount => Traces.Count - 1;

    /// <summary>What stands for its counts while there is no file of them.</summary>
    public SeenFile? First { get; set; }

    /// <summary>Occurrences that the counts on disk have not; null when there are none.</summary>
    public SeenFile? Uncounted { get; set; }

    public bool Has(in TraceId trace) => Traces.Contains(trace);
}

/// <summary>The cases and the traces that were met last: bounded, the one longest unseen leaves first.</summary>
internal sealed class KnownCases(int casesMax, int tracesMax)
{
    private readonly Dictionary<string, LinkedListNode<KnownCase>> _cases = new(StringComparer.Ordinal);
    private readonly LinkedList<KnownCase> _byUse = new();
    private readonly Dictionary<TraceId, string> _traces = [];
    private readonly Queue<TraceId> _tracesByAge = new();

    public IEnumerable<KnownCase> Dirty => _byUse.Where(known => known.Uncounted is not null);

    public KnownCase? Find(string path)
    {
        if (!_cases.TryGetValue(path, out var node))
        {
            return null;
        }

        _byUse.Remove(node);
        _byUse.AddLast(node);
        return node.Value;
    }

    /// <summary>Answers the case that has to leave for it, whose counts are to be written first.</summary>
    public KnownCase? Add(KnownCase known)
    {
        Remove(known.Path);
        var leaving = _cases.Count >= casesMax ? _byUse.First!.Value : null;
        if (leaving is not null)
        {
            Remove(leaving.Path);
        }

        _cases.Add(known.Path, _byUse.AddLast(known));
        return leaving;
    }

    public void Remove(string path)
    {
        if (_cases.Remove(path, out var node))
        {
            _byUse.Remove(node);
        }
    }

    /// <summary>The folder of the case in which the trace was counted; null when it was not, or long ago.</summary>
    public string? CaseOf(in TraceId trace) => _traces.GetValueOrDefault(trace);

    public void Remember(in TraceId trace, string path)
    {
        // Each occurrence comes with a text of its own: a hundred thousand traces of one case would hold as many.
        path = _cases.TryGetValue(path, out var known) ? known.Value.Path : path;
        if (!_traces.TryAdd(trace, path))
        {
            _traces[trace] = path;
            return;
        }

        _tracesByAge.Enqueue(trace);
        if (_traces.Count > tracesMax)
        {
            _traces.Remove(_tracesByAge.Dequeue());
        }
    }
}
