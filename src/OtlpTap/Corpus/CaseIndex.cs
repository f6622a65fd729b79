namespace OtlpTap.Corpus;

/// <summary>
/// The cases of a folder for who asks again and again: a file is read when it is new or has changed. For one thread at a
/// time.
/// </summary>
internal sealed class CaseIndex(CaseStore store)
{
    // A kilobyte each. What lies beyond is read each time.
    private const int ListingsMax = 20_000;

    private Dictionary<string, Entry> _listed = new(StringComparer.Ordinal);

    /// <summary>All of them, those that cannot be read too, the newest first; of equal ones by their ids. A case keeps its place for ever.</summary>
    public IReadOnlyList<CaseListing> Read()
    {
        var listed = new Dictionary<string, Entry>(StringComparer.Ordinal);
        var all = new List<CaseListing>();
        foreach (var path in store.Folders())
        {
            var stamp = (StampOf(path, CaseDirectory.CaseFile), StampOf(path, CaseDirectory.SeenFile));
            var entry = _listed.TryGetValue(path, out var known) && known.Stamp == stamp ? known : new Entry(stamp, CaseStore.ListingOf(path, out _));
            all.Add(entry.Listing);
            if (listed.Count < ListingsMax)
            {
                listed.Add(path, entry);
            }
        }

        _listed = listed;
        return [.. all.OrderByDescending(static listing => listing.FirstSeen).ThenBy(static listing => listing.Id, StringComparer.Ordinal).ThenBy(static listing => listing.Path, StringComparer.Ordinal)];
    }

    private static (DateTime WrittenAt, long Length) StampOf(string path, string name) =>
        new FileInfo(Path.Combine(path, name)) is { Exists: true } file ? (file.LastWriteTimeUtc, file.Length) : default;

    private readonly record struct Entry(((DateTime WrittenAt, long Length) Case, (DateTime WrittenAt, long Length) Seen) Stamp, CaseListing Listing);
}
