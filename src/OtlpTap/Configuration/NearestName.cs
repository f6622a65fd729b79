namespace OtlpTap.Configuration;

/// <summary>The name that was probably meant, for "did you mean".</summary>
internal static class NearestName
{
    /// <summary>
    /// The candidate with the fewest edits (insert, delete, replace, swap of neighbours) from <paramref name="typed"/>;
    /// null when none is within a third of its length: a far guess helps less than the list of names.
    /// </summary>
    public static string? Find(string typed, IEnumerable<string> candidates) => Find(typed, candidates, int.MaxValue);

    /// <summary>The candidate that <paramref name="typed"/> misspells by two letters at most, where words of one's own are as good; null when it is one, or none is so near.</summary>
    public static string? FindMisspelt(string typed, IReadOnlyList<string> candidates) => candidates.Contains(typed) ? null : Find(typed, candidates, 2);

    private static string? Find(string typed, IEnumerable<string> candidates, int editsMax)
    {
        var (best, bestDistance) = ((string?)null, Math.Min(editsMax, Math.Max(1, Math.Min(typed.Length, 64) / 3)) + 1);
        foreach (var candidate in candidates)
        {
            var distance = typed.Length > 64 ? int.MaxValue : Distance(typed, candidate);
            if (distance < bestDistance)
            {
                (best, bestDistance) = (candidate, distance);
            }
        }

        return best;
    }

    private static int Distance(string from, string to)
    {
        var distances = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
        {
            for (var j = 0; j <= to.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    distances[i, j] = i + j;
                    continue;
                }

                var replaced = distances[i - 1, j - 1] + (char.ToLowerInvariant(from[i - 1]) == char.ToLowerInvariant(to[j - 1]) ? 0 : 1);
                distances[i, j] = Math.Min(replaced, Math.Min(distances[i - 1, j], distances[i, j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    distances[i, j] = Math.Min(distances[i, j], distances[i - 2, j - 2] + 1);
                }
            }
        }

        return distances[from.Length, to.Length];
    }
}
