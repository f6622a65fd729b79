namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>Everything a run has to say: one table for each load, and what was left out or failed.</summary>
/// <param name="references">The proxies that each one is compared with.</param>
internal sealed class EndToEndReport(IReadOnlyList<string> references)
{
    private readonly List<string> _sections = [];
    private readonly List<string> _notes = [];

    /// <summary>Whether some proxy did not do its work.</summary>
    public bool HasFailures { get; private set; }

    public void Add(LoadCase load, int requestBytes, IReadOnlyList<Measurement> measurements) =>
        _sections.Add($"## {load.Title} ({requestBytes} bytes)\n\n{new ResultTable(load.Spans, measurements, references).ToMarkdown()}");

    public void Note(string note) => _notes.Add(note);

    public void Fail(string failure)
    {
        HasFailures = true;
        _notes.Add($"FAILED: {failure}");
    }

    public string ToMarkdown() =>
        string.Join('\n', _sections) + (_notes.Count == 0 ? "" : "\n" + string.Concat(_notes.Select(note => $"- {note}\n")));
}
