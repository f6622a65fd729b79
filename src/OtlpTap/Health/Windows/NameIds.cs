namespace OtlpTap.Health.Windows;

/// <summary>Small numbers for kinds of failure and metrics of evaluators, which senders can name as they like.</summary>
internal sealed class NameIds
{
    public const int NamesMax = 250;

    /// <summary>All names beyond the most there are.</summary>
    public const string Other = "other";

    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal) { [Other] = 0 };

    public IEnumerable<string> Names => _ids.Keys;

    public int Of(string name)
    {
        if (_ids.TryGetValue(name, out var id))
        {
            return id;
        }

        if (_ids.Count > NamesMax)
        {
            return 0;
        }

        id = _ids.Count;
        _ids.Add(name, id);
        return id;
    }

    /// <summary>Negative where it never came.</summary>
    public int Find(string name) => _ids.GetValueOrDefault(name, -1);
}
