namespace OtlpTap.Tests.EndToEnd.Agents;

/// <summary>One of an agent's tools; it works but for every so many calls.</summary>
internal sealed class SearchTool
{
    private int _calls;

    /// <summary>Of so many calls one works; 1: all do.</summary>
    public int OneWorksOf { get; set; } = 1;

    /// <summary>Of so many calls one fails; 0: none does.</summary>
    public int OneFailsOf { get; set; }

    public string Search(string query)
    {
        _calls++;
        return _calls % OneWorksOf == 0 && (OneFailsOf == 0 || _calls % OneFailsOf != 0)
            ? $"Found for \"{query}\": it is in stock."
            : throw new TimeoutException("the index did not answer");
    }
}
