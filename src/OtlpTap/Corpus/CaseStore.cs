using System.Security.Cryptography;
using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Corpus;

/// <summary>A case as lists show it.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Count">Occurrences; of the first format 1.</param>
/// <param name="Problem">Why its file cannot be read; null when it can. The other members say little then.</param>
internal sealed record CaseListing(string Path, string Id, string Format, string Failure, string Title, CaseLife Life, long Count, DateTimeOffset? FirstSeen, DateTimeOffset? LastSeen, IReadOnlyList<string> Services, IReadOnlyList<string> Versions, bool IsReplayable, string? Problem = null)
{
    /// <summary>The agent, or else the service, that its failure is of.</summary>
    public string Agent { get; init; } = "";

    /// <summary>When the count was written: while a tap runs it may have counted more since.</summary>
    public DateTimeOffset? CountedAt { get; init; }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("id", Id);
        json.WriteString("format", Format);
        json.WriteString("path", Path);
        json.WriteString("failure", Failure);
        json.WriteString("title", Title);
        json.WriteString("status", Life.Status.Name());
        JsonText.WriteIfAny(json, "status_since", Life.Since is { } since ? JsonText.Of(since) : null);
        JsonText.WriteIfAny(json, "status_reason", Life.Reason);
        JsonText.WriteIfAny(json, "fixed_in", Life.FixedIn);
        json.WriteNumber("count", Count);
        JsonText.WriteStringOrNull(json, "counted_at", CountedAt is { } counted ? JsonText.Of(counted) : null);
        JsonText.WriteStringOrNull(json, "first_seen", FirstSeen is { } first ? JsonText.Of(first) : null);
        JsonText.WriteStringOrNull(json, "last_seen", LastSeen is { } last ? JsonText.Of(last) : null);
        json.WriteString("agent", Agent);
        JsonText.WriteStrings(json, "services", Services);
        JsonText.WriteStrings(json, "versions", Versions);
        json.WriteBoolean("replayable", IsReplayable);
        json.WriteEndObject();
    }
}

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

    // Enough that two files of one case never share it by chance.
    private const int TagBytes = 8;

    private readonly CaseDirectory _directory = new(directory);

    public string Root => _directory.Root;

    /// <summary>All cases, in the order of their folders; those whose file cannot be read with the reason.</summary>
    public IEnumerable<CaseListing> List() => _directory.CaseFolders().Select(static path => ListingOf(path, out _));

    /// <summary>Their folders, of whatever format.</summary>
    public IEnumerable<string> Folders() => _directory.CaseFolders();

    /// <summary>The cases whose id begins with <paramref name="id"/>, or whose folder it names.</summary>
    public IReadOnlyList<CaseListing> Find(string id)
    {
        var path = Path.GetFullPath(id);
        var name = Path.GetFileName(id.TrimEnd('/', '\\'));
        var found = _directory.CaseFolders()
            .Where(folder => folder == path || folder.EndsWith($"{Path.DirectorySeparatorChar}{id.TrimEnd('/')}", StringComparison.Ordinal) || (name == id && Path.GetFileName(folder).StartsWith(id, StringComparison.Ordinal)))
            .ToList();
        var exact = found.Where(folder => Path.GetFileName(folder) == id).ToList();
        return [.. (exact.Count > 0 ? exact : found).Select(static path => ListingOf(path, out _))];
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

    /// <summary>The one case of a whole id; null when there is none.</summary>
    public string? PathOf(string id) => _directory.CaseFolders().FirstOrDefault(path => Path.GetFileName(path) == id);

    /// <summary>Changes the life of a case. False with the reason when its file cannot be read.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public bool TryChange(string casePath, CaseChange change, out string problem) => TryChange(casePath, change, null, out problem, out _);

    /// <param name="expected">The tag of the file that was read before the change was decided on; null: whatever it is by now.</param>
    /// <param name="isOther">The file is another one by now; nothing was changed.</param>
    /// <inheritdoc cref="TryChange(string, CaseChange, out string)"/>
    public bool TryChange(string casePath, CaseChange change, string? expected, out string problem, out bool isOther)
    {
        using var held = CaseLock.Take(Root);
        isOther = expected is not null && TagOf(casePath) != expected;
        if (isOther)
        {
            problem = "the case has changed since it was read: read it again";
            return false;
        }

        if (Read(casePath, out problem) is not { } document)
        {
            return false;
        }

        var fixedIn = change.Status switch
        {
            CaseStatus.Fixed => change.FixedIn,
            CaseStatus.Regressed => document.Life.FixedIn,
            _ => null,
        };
        document.Life = new CaseLife(change.Status, time.GetUtcNow(), change.Reason, fixedIn);
        _directory.Write(casePath, CaseDirectory.CaseFile, document.Write);
        return true;
    }

    /// <summary>Another one whenever a case's own file is: its counts lie apart. Null when there is no such file.</summary>
    public static string? TagOf(string casePath) =>
        CaseDirectory.Read(casePath, CaseDirectory.CaseFile) is { } json ? Convert.ToHexStringLower(SHA256.HashData(json).AsSpan(0, TagBytes)) : null;

    /// <param name="document">Null where it cannot be read, or is of the first format.</param>
    public static CaseListing ListingOf(string path, out CaseDocument? document)
    {
        document = null;
        var id = Path.GetFileName(path);
        var failure = Path.GetFileName(Path.GetDirectoryName(path)!);
        string problem;
        try
        {
            document = Read(path, out problem);
            if (document is null)
            {
                return FirstFormat(path, id, failure) ?? Unreadable(problem);
            }

            var counts = new FileInfo(Path.Combine(path, CaseDirectory.SeenFile));
            var seen = ReadSeen(path);
            return new CaseListing(path, id, CaseDocument.Format, document.Failure, document.Title, document.Life, seen?.Count ?? 1, document.FirstSeen, seen?.LastSeen ?? document.FirstSeen, document.Services, document.Versions, document.NotReplayable.Count == 0)
            {
                Agent = document.Group.Agent,
                CountedAt = seen is null ? document.RecordedAt : counts.LastWriteTimeUtc,
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            document = null;
            return Unreadable($"{Path.Combine(path, CaseDirectory.CaseFile)}: {exception.Message}");
        }

        CaseListing Unreadable(string why) => new(path, id, "", failure, "", CaseLife.Open, 0, null, null, [], [], false, why);
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
