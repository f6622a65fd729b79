using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using OtlpTap.Corpus;
using OtlpTap.Web;

namespace OtlpTap.Hosting;

/// <summary>
/// The folder of cases for the admin port: the store that the command line has, with counts as they are. One request at a
/// time, so that many at once need no more memory than one.
/// </summary>
/// <param name="writeCounts">Has the counts written that only the tap's memory has.</param>
internal sealed class CaseRequests(CaseStore store, Func<Task> writeCounts, TimeProvider time) : IDisposable
{
    // A case of 64 MiB may be in the way. Then counts are as they were written last.
    private static readonly TimeSpan CountsWaitMax = TimeSpan.FromSeconds(1);

    // Of files that cannot be read: who sees so many needs no more.
    private const int ProblemsMax = 20;

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly CaseIndex _index = new(store);
    private readonly SemaphoreSlim _one = new(1);

    public CasesApi Api => new(
        (query, cancellation) => AnswerAsync(areCountsWanted: true, () => List(query), cancellation),
        (fingerprint, cancellation) => AnswerAsync(areCountsWanted: true, () => Read(fingerprint), cancellation),
        (fingerprint, edit, cancellation) => AnswerAsync(areCountsWanted: false, () => Change(fingerprint, edit), cancellation));

    public void Dispose() => _one.Dispose();

    private async Task<CaseReply> AnswerAsync(bool areCountsWanted, Func<CaseReply> answer, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (areCountsWanted)
            {
                await Task.WhenAny(writeCounts(), Task.Delay(CountsWaitMax, time, cancellation));
            }

            return answer();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new CaseReply(CaseAnswer.Unavailable, Problem: exception.Message);
        }
        finally
        {
            _one.Release();
        }
    }

    private CaseReply List(CaseQuery query)
    {
        var all = _index.Read();
        var wanted = all.Where(listing => listing.Problem is null && IsWanted(listing, query)).ToList();
        var start = 0;
        if (query.After is { } after)
        {
            // The case itself may match no more; its place is still there.
            var places = all.Select((listing, place) => (listing.Path, place)).ToDictionary(static one => one.Path, static one => one.place, StringComparer.Ordinal);
            if (!places.TryGetValue(Path.Combine(store.Root, after), out var last))
            {
                return new CaseReply(CaseAnswer.NotFound, Problem: "`cursor` is of a case that is gone: begin anew");
            }

            start = wanted.Count(listing => places[listing.Path] <= last);
        }

        var page = wanted.Skip(start).Take(query.Limit).ToList();
        var next = start + page.Count < wanted.Count ? Path.GetRelativePath(store.Root, page[^1].Path).Replace('\\', '/') : null;
        return Done(json =>
        {
            json.WriteStartArray("cases");
            foreach (var listing in page)
            {
                listing.Write(json);
            }

            json.WriteEndArray();
            json.WriteNumber("total", wanted.Count);
            JsonText.WriteStringOrNull(json, "next", next);
            JsonText.WriteStrings(json, "unreadable", all.Where(static listing => listing.Problem is not null).Take(ProblemsMax).Select(static listing => listing.Problem!));
        });
    }

    private static bool IsWanted(CaseListing listing, CaseQuery query) =>
        (query.Statuses.Count == 0 || query.Statuses.Contains(listing.Life.Status.Name()))
        && (query.Failure is null || listing.Failure == query.Failure)
        && (query.Agent is null || listing.Agent == query.Agent)
        && (query.Service is null || listing.Services.Contains(query.Service));

    private CaseReply Read(string fingerprint)
    {
        if (store.PathOf(fingerprint) is not { } path)
        {
            return Missing(fingerprint);
        }

        // Before the file is read: a tag that is too old is refused, one that is too new would be taken.
        var tag = CaseStore.TagOf(path);
        var listing = CaseStore.ListingOf(path, out var document);
        if (document is null)
        {
            return WithoutDocument(listing);
        }

        return Done(tag, json =>
        {
            json.WritePropertyName("case");
            document.Write(json);
            json.WritePropertyName("seen");
            (CaseStore.ReadSeen(path) ?? new SeenFile(1, document.FirstSeen, document.Versions.FirstOrDefault() ?? "", document.TraceId.ToString())).Write(json);
        });
    }

    private CaseReply Change(string fingerprint, CaseEdit edit)
    {
        if (store.PathOf(fingerprint) is not { } path)
        {
            return Missing(fingerprint);
        }

        if (CaseStore.ListingOf(path, out var document) is var before && document is null)
        {
            return WithoutDocument(before);
        }

        var change = new CaseChange(CaseStatusNames.Parse(edit.Status)!.Value, edit.Reason, edit.Version);
        if (!store.TryChange(path, change, edit.IfTag, out var problem, out var isOther))
        {
            return new CaseReply(isOther ? CaseAnswer.Changed : CaseAnswer.Broken, Problem: problem);
        }

        var (tag, after) = (CaseStore.TagOf(path), CaseStore.ListingOf(path, out _));
        return Done(tag, json =>
        {
            json.WritePropertyName("case");
            after.Write(json);
        });
    }

    private static CaseReply WithoutDocument(CaseListing listing) => listing.Problem is { } problem
        ? new CaseReply(CaseAnswer.Broken, Problem: problem)
        : new CaseReply(CaseAnswer.HasNoStatus, Problem: $"the case has the first format, {CaseDocument.FirstFormat}: it is listed and otherwise left alone; the next occurrence makes a case of the second");

    private static CaseReply Missing(string fingerprint) => new(CaseAnswer.NotFound, Problem: $"there is no case {fingerprint}");

    private static CaseReply Done(Action<Utf8JsonWriter> members) => Done(null, members);

    private static CaseReply Done(string? tag, Action<Utf8JsonWriter> members)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, Plain))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return new CaseReply(CaseAnswer.Done, body.WrittenMemory, tag);
    }
}
