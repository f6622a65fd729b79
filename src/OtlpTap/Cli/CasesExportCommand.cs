using System.CommandLine;
using OtlpTap.Corpus;
using OtlpTap.Exports;

namespace OtlpTap.Cli;

/// <summary><c>otlptap cases export</c>: cases in the forms of other tools.</summary>
internal static class CasesExportCommand
{
    private const int Unreadable = 2;

    /// <param name="status">The options of <c>cases list</c>, which mean the same here.</param>
    /// <param name="open">The cases of a folder; null where none can be opened, which was told.</param>
    public static Command Create(Option<string[]> status, Option<string?> failure, Func<ParseResult, string?, CaseStore?> open)
    {
        var defaults = new ExportOptions();
        var format = new Option<string>("--format", "-f") { Description = string.Join(", ", CaseFormats.All.Select(known => known.Name)) + ".", Required = true };
        format.AcceptOnlyFromAmong([.. CaseFormats.All.Select(known => known.Name)]);
        var output = new Option<string?>("--output", "-o") { Description = "The file to write. Default: standard output." };
        var dataset = new Option<string>("--dataset") { Description = "The name of the dataset, where the format has one.", DefaultValueFactory = _ => defaults.Dataset };
        var provider = new Option<string>("--provider") { Description = "What promptfoo is to run.", DefaultValueFactory = _ => defaults.Provider };
        var folder = new Argument<string?>("FOLDER") { Description = "The folder of cases, as --directory.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("export", "Writes cases in the form of another tool.") { folder, format, output, status, failure, dataset, provider };
        command.SetAction(parsed =>
        {
            if (open(parsed, parsed.GetValue(folder)) is not { } store)
            {
                return Unreadable;
            }

            var options = new ExportOptions { Dataset = parsed.GetValue(dataset)!, Provider = parsed.GetValue(provider)! };
            return Export(store, CaseFormats.Find(parsed.GetValue(format)!)!, options, parsed.GetValue(status) ?? [], parsed.GetValue(failure), parsed.GetValue(output), parsed.InvocationConfiguration);
        });
        return command;
    }

    private static int Export(CaseStore store, ICaseFormat format, ExportOptions options, string[] statuses, string? failure, string? file, InvocationConfiguration io)
    {
        var cases = Read(store, format, statuses, failure, io.Error, out var exitCode);
        try
        {
            if (file is not null)
            {
                using var stream = File.Create(file);
                format.Write(cases, options, stream);
            }
            else
            {
                using var buffer = new MemoryStream();
                format.Write(cases, options, buffer);
                io.Output.Write(System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            io.Error.WriteLine($"{file}: {exception.Message}");
            return Unreadable;
        }

        return exitCode;
    }

    private static List<ExportedCase> Read(CaseStore store, ICaseFormat format, string[] statuses, string? failure, TextWriter error, out int exitCode)
    {
        exitCode = 0;
        var cases = new List<ExportedCase>();
        var leftOut = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var listing in store.List())
        {
            if (listing.Problem is { } problem)
            {
                error.WriteLine(problem);
                exitCode = Unreadable;
            }
            else if ((statuses.Length > 0 && !statuses.Contains(listing.Life.Status.Name())) || (failure is not null && listing.Failure != failure))
            {
                continue;
            }
            else if (listing.Format == CaseDocument.FirstFormat)
            {
                LeaveOut("first_format");
            }
            else if (CaseStore.Read(listing.Path, out problem) is not { } document)
            {
                error.WriteLine(problem);
                exitCode = Unreadable;
            }
            else if (format.IsForReruns && document.NotReplayable.Count > 0)
            {
                LeaveOut(string.Join(" and ", document.NotReplayable));
            }
            else
            {
                cases.Add(new ExportedCase(document, Path.GetRelativePath(store.Root, listing.Path).Replace('\\', '/'), listing.Count, listing.LastSeen ?? document.RecordedAt));
            }
        }

        if (leftOut.Count > 0)
        {
            error.WriteLine($"{leftOut.Values.Sum()} cases left out that cannot be run again: {string.Join(", ", leftOut.Select(why => $"{why.Value} {why.Key}"))}");
        }

        return cases;

        void LeaveOut(string why) => leftOut[why] = leftOut.GetValueOrDefault(why) + 1;
    }
}
