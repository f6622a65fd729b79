using OtlpTap.Health;

namespace OtlpTap.Advice.Effect;

/// <summary>A sort of fallback: whose, what was done, and why. From a bounded set: fit for labels.</summary>
internal readonly record struct FallbackLabels(string Service, string Agent, string Advice, string Reason);

/// <summary>
/// When, why and how often agents took fallbacks, by hour. The names are the senders': the first <see cref="KindsMax"/> of
/// service, agent and advice have rows of their own, each with its first <see cref="ReasonsMax"/> reasons; the rest is <c>other</c>.
/// For one thread at a time.
/// </summary>
internal sealed class FallbackCounts(TimeSpan window)
{
    public const int KindsMax = 200;
    public const int ReasonsMax = 20;
    public const string Other = "other";
    private const int ReasonLengthMax = 64;

    private readonly Dictionary<(string Service, string Agent, string Advice), HashSet<string>> _kinds = [];
    private readonly Dictionary<FallbackLabels, SortedList<long, long>> _rows = [];
    private readonly int _hours = Math.Max(1, (int)Math.Ceiling(window.TotalHours));

    /// <summary>Rows that have counted in the window, with their counts by hour.</summary>
    public IEnumerable<(FallbackLabels Labels, IReadOnlyList<KeyValuePair<long, long>> Hours)> Rows =>
        _rows.Where(row => row.Value.Count > 0).Select(row => (row.Key, (IReadOnlyList<KeyValuePair<long, long>>)[.. row.Value]));

    /// <param name="policy">Whose advice it followed; null: it says itself why.</param>
    /// <returns>What it is counted as.</returns>
    public FallbackLabels Add(string service, string agent, FallbackFact fallback, string? policy, DateTimeOffset now)
    {
        var labels = Bound((RunRecord.Cut(service), RunRecord.Cut(agent), RunRecord.Cut(fallback.Advice)), policy ?? Sort(fallback.Reason));
        if (!_rows.TryGetValue(labels, out var hours))
        {
            _rows.Add(labels, hours = []);
        }

        var hour = EffectWindow.HourOf(now);
        hours[hour] = (hours.TryGetValue(hour, out var count) ? count : 0) + 1;
        return labels;
    }

    public void Advance(DateTimeOffset now)
    {
        var first = EffectWindow.HourOf(now) - _hours + 1;
        foreach (var hours in _rows.Values)
        {
            while (hours.Count > 0 && hours.GetKeyAtIndex(0) < first)
            {
                hours.RemoveAt(0);
            }
        }
    }

    /// <summary>What sort of reason it is: <c>3 of 10 calls failed</c> and <c>4 of 9 calls failed</c> are one.</summary>
    internal static string Sort(string reason)
    {
        Span<char> text = stackalloc char[ReasonLengthMax];
        var length = 0;
        foreach (var character in reason)
        {
            var next = char.IsDigit(character) ? '#' : char.IsControl(character) || char.IsWhiteSpace(character) || char.IsSurrogate(character) ? ' ' : character;
            if (next is '#' or ' ' && length > 0 && text[length - 1] == next)
            {
                continue;
            }

            text[length++] = next;
            if (length == text.Length)
            {
                break;
            }
        }

        var sort = text[..length].Trim(' ');
        return sort.IsEmpty ? "none" : sort.ToString();
    }

    private FallbackLabels Bound((string Service, string Agent, string Advice) kind, string reason)
    {
        if (!_kinds.TryGetValue(kind, out var reasons))
        {
            if (_kinds.Count >= KindsMax)
            {
                return new FallbackLabels(Other, Other, Other, Other);
            }

            _kinds.Add(kind, reasons = []);
        }

        var isKnown = reasons.Contains(reason) || (reasons.Count < ReasonsMax && reasons.Add(reason));
        return new FallbackLabels(kind.Service, kind.Agent, kind.Advice, isKnown ? reason : Other);
    }
}
