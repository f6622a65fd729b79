using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Corpus;

/// <summary>A case as lists show it.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Count">Occurrences; of the first format 1.</param>
/// <param name="Problem">Why its file cannot be read; null when it can. The other members say little then.</param>
internal sealed record CaseListing(string Path, string Id, string Format, string Failure, string Title, CaseLife Life, long Count, DateTimeOffset? FirstSeen, DateTimeOffset? LastSeen, IReadOnlyList<string> Services, IReadOnlyList<string> Versions, bool IsReplayable, string? Problem = null);

/// <summary>A change of a case's life that somebody asked for.</summary>
/// <param name="FixedIn">With <see cref="CaseStatus.Fixed"/>: the version that has the fix, where it is known.</param>
internal sealed record CaseChange(CaseStatus Status, string? Reason = null, string? FixedIn = null);

/// <summary>
/// The cases of a folder, for whoever looks at them or changes their lives: the command line, the API, a rerun. Any
/// process, also while a tap writes to the folder. File system errors come out as exceptions.
/// </summary>
internal sealed class CaseStore(string directory, TimeProvider time)
{
    // Bytes of a case file beyond which it is none of ours.
    private const long CaseFileMax = 64L << 20;

    private readonly CaseDirectory _directory = new(directory);

    public string Root => _directory.Root;

    /// <summary>All cases, in the order of their folders; those whose file cannot be read with the reason.</summary>
    public IEnumerable<CaseListing> List() => _directory.CaseFolders().Select(Listing);

    /// <summary>The cases whose id begins with <paramref name="id"/>, or whose folder it names.</summary>
    public IReadOnlyList<CaseListing> Find(string id)
    {
        var path = Path.GetFullPath(id);
        var name = Path.GetFileName(id.TrimEnd('/', '\\'));
        var found = _directory.CaseFolders()
            .Where(folder => folder == path || folder.EndsWith($"{Path.DirectorySeparatorChar}{id.TrimEnd('/')}", StringComparison.Ordinal) || (name == id && Path.GetFileName(folder).StartsWith(id, StringComparison.Ordinal)))
            .ToList();
        var exact = found.Where(folder => Path.GetFileName(folder) == id).ToList();
        return [.. (exact.Count > 0 ? exact : found).Select(Listing)];
    }

    /// <summary>The content of a case. Null with the reason when it cannot be read.</summary>
    public static CaseDocument? Read(string casePath, out string problem)
    {
        var path = Path.Combine(casePath, CaseDirectory.CaseFile);
        if (new FileInfo(path) is { Exists: true, Length: > CaseFileMax })
        {
            problem = $"{path}: larger than {CaseFileMax >> 20} MiB";
            return null;
        }

        if (CaseDirectory.Read(casePath, CaseDirectory.CaseFile) is not { } json)
        {
            problem = $"{path}: there is no such file";
            return null;
        }

        if (!CaseDocument.TryRead(json, out var document, out problem))
        {
            problem = $"{path}: {problem}";
        }

        return document;
    }

    public static SeenFile? ReadSeen(string casePath) =>
        CaseDirectory.Read(casePath, CaseDirectory.SeenFile) is { } json && SeenFile.TryRead(json, out var seen, out _) ? seen : null;

    /// <summary>Changes the life of a case. False with the reason when its file cannot be read.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public bool TryChange(string casePath, CaseChange change, out string problem)
    {
        using var held = CaseLock.Take(Root);
        if (Read(casePath, out problem) is not { } document)
        {
            return false;
        }

        var fixedIn = change.Status == CaseStatus.Fixed ? change.FixedIn : null;
        document.Life = new CaseLife(change.Status, time.GetUtcNow(), change.Reason, fixedIn);
        _directory.Write(casePath, CaseDirectory.CaseFile, document.Write);
        return true;
    }

    private static CaseListing Listing(string path)
    {
        var id = Path.GetFileName(path);
        var failure = Path.GetFileName(Path.GetDirectoryName(path)!);
        if (Read(path, out var problem) is { } document)
        {
            var seen = ReadSeen(path);
            return new CaseListing(path, id, CaseDocument.Format, document.Failure, document.Group.Title, document.Life, seen?.Count ?? 1, document.FirstSeen, seen?.LastSeen ?? document.FirstSeen, document.Services, document.Versions, document.NotReplayable.Count == 0);
        }

        return FirstFormat(path, id, failure)
            ?? new CaseListing(path, id, "", failure, "", CaseLife.Open, 0, null, null, [], [], false, problem);
    }

    /// <summary>A folder of the first format: one trace, no life.</summary>
    private static CaseListing? FirstFormat(string path, string id, string failure)
    {
        try
        {
            using var json = JsonDocument.Parse(CaseDirectory.Read(path, CaseDirectory.CaseFile) ?? []);
            var root = json.RootElement;
            if (JsonText.Text(root, "format") != CaseDocument.FirstFormat || !TraceId.TryParse(JsonText.Text(root, "trace_id"), out _))
            {
                return null;
            }

            var at = JsonText.Time(root, "recorded_at");
            var title = root.TryGetProperty("verdicts", out var verdicts) && verdicts.ValueKind == JsonValueKind.Array && verdicts.GetArrayLength() > 0 ? JsonText.Text(verdicts[0], "span_name") ?? "" : "";
            return new CaseListing(path, id, CaseDocument.FirstFormat, JsonText.Text(root, "failure") ?? failure, title, CaseLife.Open, 1, at, at, JsonText.Text(root, "service") is { } service ? [service] : [], [], false);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
