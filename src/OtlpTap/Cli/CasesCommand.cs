using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using OtlpTap.Configuration;
using OtlpTap.Corpus;

namespace OtlpTap.Cli;

/// <summary><c>otlptap cases</c>: what is in the folder of cases, and the lives of cases.</summary>
internal static class CasesCommand
{
    private const int Refused = 1;
    private const int Unreadable = 2;

    // What people read must fit a line; the case has it whole.
    private const int TitleMax = 72;

    private static readonly JsonWriterOptions JsonLines = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(TimeProvider time)
    {
        var directory = new Option<string?>("--directory", "-d") { Description = "The folder of cases. Default: corpus.directory of the configuration.", Recursive = true };
        var output = new Option<string>("--output", "-o") { Description = "table, or json: one object a line.", DefaultValueFactory = _ => "table" };
        output.AcceptOnlyFromAmong("table", "json");
        var config = ConfigOption.Create();
        config.Recursive = true;
        var cases = new Command("cases", "Show the cases that were captured, export them, and say what is to become of them.") { directory, config };

        CaseStore? Store(ParseResult parsed) => OpenStore(parsed.GetValue(directory), parsed.GetValue(config) ?? [], time, parsed.InvocationConfiguration.Error);

        var status = new Option<string[]>("--status") { Description = "Only these: open, fixed, regressed, muted, expected.", AllowMultipleArgumentsPerToken = true };
        status.AcceptOnlyFromAmong("open", "fixed", "regressed", "muted", "expected");
        var failure = new Option<string?>("--failure") { Description = "Only this kind of failure." };
        var list = new Command("list", "List the cases, with counts as a running tap wrote them last, at most 30 s ago: exits 0, or 2 when there is no such folder.") { status, failure, output };
        list.SetAction(parsed => Store(parsed) is { } store
            ? List(store, parsed.GetValue(status) ?? [], parsed.GetValue(failure), parsed.GetValue(output) == "json", parsed.InvocationConfiguration)
            : Unreadable);
        cases.Add(list);

        var id = new Argument<string>("CASE") { Description = "Its id (the name of its folder), the beginning of it, or its folder." };
        var show = new Command("show", "Show one case: what failed, what was asked and answered, and where its traces are.") { id, output };
        show.SetAction(parsed => Store(parsed) is { } store ? Show(store, parsed.GetValue(id)!, parsed.GetValue(output) == "json", parsed.InvocationConfiguration) : Unreadable);
        cases.Add(show);
        cases.Add(CasesExportCommand.Create(status, failure, (parsed, folder) =>
            OpenStore(folder ?? parsed.GetValue(directory), parsed.GetValue(config) ?? [], time, parsed.InvocationConfiguration.Error)));

        Add("mute", "Count the case from now on and do nothing else with it.", CaseStatus.Muted, isReasonRequired: false);
        Add("unmute", "Open a muted case again.", CaseStatus.Open, isReasonRequired: false, onlyFrom: CaseStatus.Muted);
        Add("expect", "Say that this is meant to happen; it needs a --reason.", CaseStatus.Expected, isReasonRequired: true);
        Add("fix", "Say that the case is fixed; when it is seen again, it has regressed.", CaseStatus.Fixed, isReasonRequired: false);
        Add("reopen", "Open a case again, whatever it was.", CaseStatus.Open, isReasonRequired: false);
        return cases;

        void Add(string name, string description, CaseStatus to, bool isReasonRequired, CaseStatus? onlyFrom = null)
        {
            var ids = new Argument<string[]>("CASE") { Description = id.Description, Arity = ArgumentArity.OneOrMore };
            var reason = new Option<string?>("--reason") { Description = "Why, in your words; stands in the case.", Required = isReasonRequired };
            var command = new Command(name, description) { ids, reason, output };
            var version = new Option<string?>("--in") { Description = "The version of the service that has the fix: older ones that still fail are no regression." };
            if (to == CaseStatus.Fixed)
            {
                command.Add(version);
            }

            command.SetAction(parsed =>
            {
                if (isReasonRequired && string.IsNullOrWhiteSpace(parsed.GetValue(reason)))
                {
                    parsed.InvocationConfiguration.Error.WriteLine("--reason must say something");
                    return Refused;
                }

                var change = new CaseChange(to, parsed.GetValue(reason), to == CaseStatus.Fixed ? parsed.GetValue(version) : null);
                return Store(parsed) is { } store
                    ? Change(store, parsed.GetValue(ids) ?? [], change, onlyFrom, parsed.GetValue(output) == "json", parsed.InvocationConfiguration)
                    : Unreadable;
            });
            cases.Add(command);
        }
    }

    private static CaseStore? OpenStore(string? directory, IReadOnlyList<string> configFiles, TimeProvider time, TextWriter error)
    {
        if (directory is null)
        {
            var loaded = new ConfigurationLoader().Load(configFiles);
            if (loaded.Options is not { } options)
            {
                foreach (var problem in loaded.Problems)
                {
                    error.WriteLine(problem);
                }

                return null;
            }

            directory = options.Processor.CorpusDirectory;
        }

        var store = new CaseStore(directory, time);
        if (Directory.Exists(store.Root))
        {
            return store;
        }

        error.WriteLine($"{store.Root}: there is no such folder; --directory says where the cases are");
        return null;
    }

    private static int List(CaseStore store, string[] statuses, string? failure, bool asJson, InvocationConfiguration io)
    {
        var exitCode = 0;
        var cases = new List<CaseListing>();
        foreach (var listing in store.List())
        {
            if (listing.Problem is { } problem)
            {
                io.Error.WriteLine(problem);
                exitCode = Unreadable;
            }
            else if ((statuses.Length == 0 || statuses.Contains(listing.Life.Status.Name())) && (failure is null || listing.Failure == failure))
            {
                cases.Add(listing);
            }
        }

        cases = [.. cases.OrderByDescending(listing => listing.LastSeen).ThenBy(listing => listing.Id, StringComparer.Ordinal)];
        if (asJson)
        {
            foreach (var listing in cases)
            {
                io.Output.WriteLine(Json(listing));
            }

            return exitCode;
        }

        if (cases.Count == 0)
        {
            io.Output.WriteLine("no cases");
            return exitCode;
        }

        WriteTable(io.Output, ["STATUS", "FAILURE", "COUNT", "LAST SEEN", "SERVICE", "CASE", "WHAT"], cases.Select(listing => new[]
        {
            listing.Life.Status.Name(),
            listing.Failure,
            listing.Count.ToString(System.Globalization.CultureInfo.InvariantCulture),
            listing.LastSeen is { } seen ? JsonText.Of(seen)[..19].Replace('T', ' ') : "",
            string.Join(", ", listing.Services),
            listing.Id,
            Line(listing.Title),
        }).ToList());
        return exitCode;
    }

    private static int Show(CaseStore store, string id, bool asJson, InvocationConfiguration io)
    {
        if (One(store, id, io.Error) is not { } listing)
        {
            return Refused;
        }

        if (listing.Format == CaseDocument.FirstFormat)
        {
            io.Output.WriteLine(asJson ? Json(listing) : $"{listing.Failure}: one trace in the first format, {Path.Combine(listing.Path, CaseDirectory.TraceFile)}");
            return 0;
        }

        if (CaseStore.Read(listing.Path, out var problem) is not { } document)
        {
            io.Error.WriteLine(problem);
            return Unreadable;
        }

        if (asJson)
        {
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer, JsonLines))
            {
                document.Write(json);
            }

            io.Output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
            return 0;
        }

        void Row(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                io.Output.WriteLine($"{name,-14} {value}");
            }
        }

        Row("case", listing.Id);
        Row("failure", document.Failure);
        Row("what", document.Title);
        Row("status", string.Join(", ", new[] { document.Life.Status.Name(), document.Life.Since is { } since ? $"since {JsonText.Of(since)}" : null, document.Life.FixedIn is { } fixedIn ? $"fixed in {fixedIn}" : null, document.Life.Reason }.Where(part => !string.IsNullOrEmpty(part))));
        Row("seen", $"{listing.Count} times{(listing.CountedAt is { } counted ? $" (as of {JsonText.Of(counted)})" : "")}, first {JsonText.Of(document.FirstSeen)}, last {(listing.LastSeen is { } last ? JsonText.Of(last) : "")}");
        Row("agent", document.Group.Agent);
        Row("services", string.Join(", ", document.Services));
        Row("versions", string.Join(", ", document.Versions));
        Row("models", string.Join(", ", document.Models));
        Row("replayable", document.NotReplayable.Count == 0 ? "yes" : $"no: {string.Join(", ", document.NotReplayable)}");
        if (document.Run is { } run)
        {
            Row("user", Line(JsonText.Text(run, "user_input") ?? ""));
            Row("answer", Line(JsonText.Text(run, "answer") ?? ""));
        }

        foreach (var verdict in document.Verdicts)
        {
            Row("verdict", $"{verdict.Failure} on {verdict.SpanName ?? "the trace"} by {string.Join(", ", verdict.Rules)} ({verdict.Source}){(verdict.Explanation is { } why ? $": {Line(why)}" : "")}");
        }

        Row("trace", Path.Combine(listing.Path, CaseDirectory.TraceFile));
        foreach (var trace in document.Traces)
        {
            Row("further", Path.Combine(listing.Path, CaseDirectory.TracesFolder, $"{trace.TraceId}.json"));
        }

        return 0;
    }

    private static int Change(CaseStore store, string[] ids, CaseChange change, CaseStatus? onlyFrom, bool asJson, InvocationConfiguration io)
    {
        // All are found before one is changed: a wrong id changes nothing.
        var found = ids.Select(id => One(store, id, io.Error)).ToList();
        if (found.Contains(null))
        {
            return Refused;
        }

        var exitCode = 0;
        foreach (var listing in found.OfType<CaseListing>())
        {
            if (listing.Format == CaseDocument.FirstFormat)
            {
                io.Error.WriteLine($"{listing.Path}: has the first format, which has no status; the next occurrence makes a case of the second");
                exitCode = Refused;
                continue;
            }

            if (onlyFrom is { } from && listing.Life.Status != from)
            {
                io.Error.WriteLine($"{listing.Id} is {listing.Life.Status.Name()}, not {from.Name()}; `otlptap cases reopen` opens it");
                exitCode = Refused;
                continue;
            }

            try
            {
                if (!store.TryChange(listing.Path, change, out var problem))
                {
                    io.Error.WriteLine(problem);
                    exitCode = Unreadable;
                    continue;
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                io.Error.WriteLine($"{listing.Path}: {exception.Message}");
                exitCode = Unreadable;
                continue;
            }

            io.Output.WriteLine(asJson ? Json(store.Find(listing.Path)[0]) : $"{listing.Id} is {change.Status.Name()}: {listing.Failure}  {Line(listing.Title)}");
        }

        return exitCode;
    }

    private static CaseListing? One(CaseStore store, string id, TextWriter error)
    {
        var found = store.Find(id);
        switch (found)
        {
            case [{ Problem: { } problem }]:
                error.WriteLine(problem);
                return null;
            case [var one]:
                return one;
            case []:
                error.WriteLine($"no case {id} in {store.Root}; `otlptap cases list` shows what there is");
                return null;
            default:
                error.WriteLine($"{id} may be {string.Join(", ", found.Select(listing => $"{listing.Failure}/{listing.Id}"))}: say more of it");
                return null;
        }
    }

    private static string Json(CaseListing listing)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, JsonLines))
        {
            listing.Write(json);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>One line of printable characters: what stands in a case is a sender's, and a terminal obeys control characters.</summary>
    private static string Line(string text)
    {
        var line = string.Concat(text.Take(TitleMax).Select(c => char.IsControl(c) ? ' ' : c));
        return text.Length > TitleMax ? line + "\u2026" : line;
    }

    private static void WriteTable(TextWriter output, string[] head, List<string[]> rows)
    {
        var widths = head.Select((name, column) => Math.Max(name.Length, rows.Max(row => row[column].Length))).ToArray();
        foreach (var row in rows.Prepend(head))
        {
            output.WriteLine(string.Join("  ", row.Select((cell, column) => column == row.Length - 1 ? cell : cell.PadRight(widths[column]))).TrimEnd());
        }
    }
}
