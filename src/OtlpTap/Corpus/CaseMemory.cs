using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Corpus;

/// <summary>What the writer knows of the cases that are there, and counts of them that are to be written. Not thread-safe.</summary>
internal sealed class CaseMemory(CorpusOptions options, CaseDirectory directory, BrokenFiles broken, CorpusMetrics metrics, TimeProvider time, ILogger logger)
{
    // Who broke more at once finds them with `otlptap cases list`.
    private const int UnreadableToldMax = 10;

    private readonly KnownCases _known = new(options.CasesInMemoryMax, options.LateTracesMax);

    // Counts that are not written yet, of at most the cases that one capture meets.
    private readonly Queue<KnownCase> _leaving = new();
    private bool _isIndexed;

    /// <summary>Whether a folder has the file of a case.</summary>
    public static bool IsCase(string path) => StampOf(path) != default;

    /// <inheritdoc cref="KnownCases.CaseOf"/>
    public string? CaseOf(in TraceId trace) => _known.CaseOf(trace);

    public void Remember(in TraceId trace, string path) => _known.Remember(trace, path);

    /// <summary>Which traces the cases have: after a restart a late verdict still finds its case.</summary>
    public void ReadIndex()
    {
        if (_isIndexed)
        {
            return;
        }

        var unreadable = 0;
        foreach (var path in directory.CaseFolders())
        {
            if (ReadListed(path, ref unreadable) is { } document)
            {
                _known.Remember(document.TraceId, path);
                foreach (var trace in document.Traces)
                {
                    _known.Remember(trace.TraceId, path);
                }
            }
        }

        _isIndexed = true;
    }

    /// <summary>What is known of the case in a folder; null when there is none that can be read.</summary>
    public KnownCase? Load(string path)
    {
        var stamp = StampOf(path);
        var known = _known.Find(path);
        if (stamp == default)
        {
            _known.Remove(path);
            return null;
        }

        if (known is not null && known.Stamp == stamp)
        {
            return known;
        }

        if (ReadDocument(path) is not { } document)
        {
            return null;
        }

        // Of before it was read: what people change meanwhile is seen the next time.
        return Know(path, document, stamp);
    }

    /// <summary>Takes over what was just written.</summary>
    public void Know(string path, CaseDocument document) => Know(path, document, StampOf(path));

    /// <summary>As it is on disk. Null where there is none; one that cannot be read is set aside.</summary>
    public CaseDocument? ReadDocument(string path)
    {
        if (CaseDirectory.Read(path, CaseDirectory.CaseFile) is not { } json)
        {
            return null;
        }

        if (CaseDocument.TryRead(json, out var document, out var problem))
        {
            return document;
        }

        broken.SetAside(path, CaseDirectory.CaseFile, problem);
        _known.Remove(path);
        return null;
    }

    /// <summary>Writes the counts that changed since they were written last.</summary>
    /// <exception cref="IOException">Some could not be written; the others were, and those are tried again the next time.</exception>
    public void WriteCounts()
    {
        WriteCountsOfLeaving();
        IOException? first = null;
        foreach (var known in _known.Dirty.ToList())
        {
            try
            {
                WriteCounts(known);
            }
            catch (IOException exception)
            {
                first ??= exception;
            }
        }

        if (first is not null)
        {
            throw first;
        }
    }

    /// <summary>Of cases that left the memory: not where that happened, for the lock may be held there.</summary>
    public void WriteCountsOfLeaving()
    {
        while (_leaving.TryPeek(out var known))
        {
            WriteCounts(known);
            _leaving.Dequeue();
        }
    }

    private void WriteCounts(KnownCase known)
    {
        if (!Directory.Exists(known.Path))
        {
            _known.Remove(known.Path);
            return;
        }

        // Another tap may count in the same file: what is added is what was counted here.
        using var held = CaseLock.Take(directory.Root);
        var seen = (ReadSeen(known.Path) ?? known.First!).With(known.Uncounted!);
        directory.Write(known.Path, CaseDirectory.SeenFile, seen.Write);
        known.Uncounted = null;
        metrics.DirectoryMeasured(directory.Bytes);
    }

    /// <summary>A case that cannot be read is told at once: it may be long until it occurs again and its file is set aside.</summary>
    private CaseDocument? ReadListed(string path, ref int unreadable)
    {
        var listing = CaseStore.ListingOf(path, out var document);
        if (listing.Problem is { } problem)
        {
            metrics.CaseUnreadable();
            if (unreadable++ < UnreadableToldMax)
            {
                logger.CaseUnreadable(problem);
            }
        }

        return document;
    }

    private KnownCase Know(string path, CaseDocument document, (DateTime WrittenAt, long Length) stamp)
    {
        var known = _known.Find(path);
        if (known is null)
        {
            known = new KnownCase(path, new HourlyLimit(options.UpdatesPerHourMax, time));
            if (_known.Add(known) is { Uncounted: not null } leaving)
            {
                _leaving.Enqueue(leaving);
            }
        }

        known.Stamp = stamp;
        known.First = new SeenFile(1, document.FirstSeen, document.Versions.FirstOrDefault() ?? "", document.TraceId.ToString());
        known.Traces = [document.TraceId, .. document.Traces.Select(trace => trace.TraceId)];
        known.Life = document.Life;
        known.Versions = [.. document.Versions];
        known.Services = [.. document.Services];
        known.Models = [.. document.Models];
        known.Kinds = [(document.Shape, document.Input), .. document.Traces.Select(trace => (trace.Shape, trace.Input))];
        return known;
    }

    /// <summary>Null: it was seen once.</summary>
    private SeenFile? ReadSeen(string path)
    {
        if (CaseDirectory.Read(path, CaseDirectory.SeenFile) is { } json)
        {
            if (SeenFile.TryRead(json, out var seen, out var problem))
            {
                return seen;
            }

            broken.SetAside(path, CaseDirectory.SeenFile, problem);
        }

        return null;
    }

    private static (DateTime WrittenAt, long Length) StampOf(string path) =>
        new FileInfo(Path.Combine(path, CaseDirectory.CaseFile)) is { Exists: true } file ? (file.LastWriteTimeUtc, file.Length) : default;
}
