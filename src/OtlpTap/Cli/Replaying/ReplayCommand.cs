using System.CommandLine;
using System.Globalization;
using System.Net;
using OtlpTap.Configuration;
using OtlpTap.Corpus;
using OtlpTap.Hosting;
using OtlpTap.Replay;

namespace OtlpTap.Cli.Replaying;

/// <summary><c>otlptap replay</c>: runs cases again against the agent under test, and says which of them pass now.</summary>
internal static class ReplayCommand
{
    private const int Failed = 1;
    private const int Unusable = 2;

    public static Command Create(TimeProvider time)
    {
        var directory = new Argument<string?>("CASES") { Description = "The folder of cases, or one case's. Default: corpus.directory of the configuration.", Arity = ArgumentArity.ZeroOrOne };
        var cases = new Option<string[]>("--case") { Description = "Only these, by id or the beginning of it, whatever their status.", HelpName = "CASE" };
        var status = new Option<string[]>("--status") { Description = "Only cases with these. Default: open and regressed.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = static _ => ["open", "regressed"] };
        status.AcceptOnlyFromAmong("open", "fixed", "regressed", "muted", "expected");
        var agent = new Option<string?>("--agent") { Description = "An agent that runs as a service: a POST for each run, with traceparent.", HelpName = "URL" };
        var template = new Option<string?>("--body-template") { Description = "With --agent: the body, JSON in which {{input}} becomes the case's input as a text. Default {\"input\": {{input}}}.", HelpName = "FILE" };
        var command = new Option<string?>("--command") { Description = "An agent that is started for each run by the shell: input on standard input, endpoints and TRACEPARENT in its environment.", HelpName = "COMMAND" };
        var stubModel = new Option<bool>("--stub-model") { Description = "Serves the recorded answers of the model as OpenAI's chat completions and responses." };
        var stubTools = new Option<bool>("--stub-tools") { Description = "Serves the recorded results of the tools as MCP and as plain HTTP." };
        var ignoreResults = new Option<bool>("--ignore-tool-results") { Description = "With --stub-model: an answer also fits where tools returned something else than they did then." };
        var repeat = new Option<int>("--repeat") { Description = "Runs of each case.", DefaultValueFactory = static _ => 1 };
        var passRate = new Option<double>("--pass-rate") { Description = "Share of a case's runs that must pass.", DefaultValueFactory = static _ => 1 };
        var parallel = new Option<int>("--parallel") { Description = "Runs at the same time.", DefaultValueFactory = static _ => 1 };
        var timeout = new Option<double>("--timeout") { Description = "Seconds in which the agent must have answered.", DefaultValueFactory = static _ => 120 };
        var spansWithin = new Option<double>("--spans-within") { Description = "Seconds after the answer in which the run's spans must have come.", DefaultValueFactory = static _ => 15 };
        var settle = new Option<double>("--settle") { Description = "Seconds of quiet after which a run that looks whole is judged.", DefaultValueFactory = static _ => 1 };
        var report = new Option<string[]>("--report") { Description = "Also writes a report: junit, json or markdown, and its file. May be given several times.", HelpName = "FORMAT FILE", Arity = new ArgumentArity(2, 20), AllowMultipleArgumentsPerToken = true };
        var update = new Option<bool>("--update") { Description = "Records the outcome in the cases: what passes is fixed." };
        var http = new Option<string?>("--otlp-http") { Description = "Where the run's telemetry is taken. Default: 127.0.0.1:4318 with --agent, any port with --command.", HelpName = "ADDRESS" };
        var grpc = new Option<string?>("--otlp-grpc") { Description = "The same over gRPC. Default: 127.0.0.1:4317 with --agent, any port with --command.", HelpName = "ADDRESS" };
        var world = new Option<string?>("--world") { Description = "Where the recorded world is served. Default: 127.0.0.1:4320 with --agent, any port with --command.", HelpName = "ADDRESS" };
        var config = ConfigOption.Create();
        var replay = new Command("replay", "Runs cases again against the agent under test: exits 0 when all pass, 1 when one fails, 2 for input that cannot be used.")
        {
            directory, cases, status, agent, template, command, stubModel, stubTools, ignoreResults, repeat, passRate, parallel, timeout, spansWithin, settle, report, update, http, grpc, world, config,
        };
        replay.SetAction((parsed, cancellation) =>
        {
            var problems = new List<string>();
            var loaded = new ConfigurationLoader().Load(parsed.GetValue(config) ?? []);
            problems.AddRange(loaded.Options is null ? loaded.Problems.Select(static problem => $"{problem}") : []);
            var isService = parsed.GetValue(agent) is not null;
            var request = new ReplayRequest(
                parsed.GetValue(directory),
                parsed.GetValue(cases) ?? [],
                parsed.GetValue(status) ?? [],
                Agent(parsed.GetValue(agent), problems),
                Template(parsed.GetValue(template), problems),
                parsed.GetValue(command),
                parsed.GetValue(stubModel),
                parsed.GetValue(stubTools),
                parsed.GetValue(ignoreResults),
                new ReplayOptions
                {
                    Repeat = InRange(parsed.GetValue(repeat), 1, 1000, "--repeat", problems),
                    PassRate = InRange(parsed.GetValue(passRate), 0.001, 1, "--pass-rate", problems),
                    Parallel = InRange(parsed.GetValue(parallel), 1, 256, "--parallel", problems),
                    Timeout = TimeSpan.FromSeconds(InRange(parsed.GetValue(timeout), 0.1, 86_400, "--timeout", problems)),
                    SpansWithin = TimeSpan.FromSeconds(InRange(parsed.GetValue(spansWithin), 0.1, 3_600, "--spans-within", problems)),
                    Settle = TimeSpan.FromSeconds(InRange(parsed.GetValue(settle), 0, 600, "--settle", problems)),
                },
                Reports(parsed.GetValue(report) ?? [], problems),
                parsed.GetValue(update),
                new ReplayAddressOptions(
                    Address(parsed.GetValue(http), isService ? 4318 : 0, "--otlp-http", problems),
                    Address(parsed.GetValue(grpc), isService ? 4317 : 0, "--otlp-grpc", problems),
                    Address(parsed.GetValue(world), isService ? 4320 : 0, "--world", problems)));
            if (isService == request.Command is not null)
            {
                problems.Add("say either --agent or --command");
            }

            var io = parsed.InvocationConfiguration;
            if (problems.Count > 0)
            {
                problems.ForEach(io.Error.WriteLine);
                return Task.FromResult(Unusable);
            }

            return RunAsync(loaded.Options!, request, time, io.Output, io.Error, cancellation);
        });
        return replay;
    }

    private static async Task<int> RunAsync(TapOptions options, ReplayRequest request, TimeProvider time, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        var (store, ids) = Open(request.Directory ?? options.Processor.CorpusDirectory, request.Cases, time);
        if (!Directory.Exists(store.Root))
        {
            error.WriteLine($"{store.Root}: there is no such folder");
            return Unusable;
        }

        var selection = ReplaySession.Select(store, ids, request.Statuses);
        if (selection.Problems.Count > 0)
        {
            foreach (var problem in selection.Problems)
            {
                error.WriteLine(problem);
            }

            return Unusable;
        }

        IReadOnlyList<ReplayOutcome> outcomes = [];
        if (selection.Cases.Count > 0)
        {
            try
            {
                outcomes = await ReplayAsync(options, request, selection.Cases, time, error, cancellation);
            }
            catch (Exception occupied) when (occupied is ListenException or IOException)
            {
                error.WriteLine(occupied.Message);
                return Unusable;
            }
        }

        IReadOnlyList<ReplayOutcome> all = [.. outcomes, .. selection.Skipped];
        if (all.Count == 0)
        {
            output.WriteLine("no cases to run");
        }
        else
        {
            ReplayReport.WriteTable(output, all);
        }

        var areWritten = WriteReports(request.Reports, all, error);
        areWritten &= !request.Update || Update(store, selection.Cases, outcomes, output, error);
        return !areWritten ? Unusable : outcomes.Any(ReplayReport.IsFailed) ? Failed : 0;
    }

    private static async Task<IReadOnlyList<ReplayOutcome>> ReplayAsync(TapOptions options, ReplayRequest request, IReadOnlyList<ReplayCase> cases, TimeProvider time, TextWriter error, CancellationToken cancellation)
    {
        var mailbox = new TraceMailbox(time);
        await using var rig = await ReplayRig.StartAsync(mailbox, request.Addresses, request.StubModel, request.StubTools, time, cancellation);
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        IAgentUnderTest agent = request.Agent is { } address ? new HttpAgent(http, address, request.Body) : new CommandAgent(request.Command!);
        var hasWorld = request.StubModel || request.StubTools;
        error.WriteLine($"OTLP/HTTP on {rig.Otlp.Authority}, OTLP/gRPC on {rig.Grpc}{(hasWorld ? $", the recorded world on {rig.World.Authority}" : "")}");
        var replayer = new Replayer(
            agent,
            mailbox,
            payloads => RunJudge.Judge(options, payloads),
            rig.AddressesOf,
            replayCase => hasWorld ? ReplaySession.WorldOf(replayCase, options.Processor.CorpusRedact, !request.IgnoreToolResults) : null,
            request.Options,
            time);
        var progress = new ReplayProgress(error, cases.Count * request.Options.Repeat, isTerminal: error == Console.Error && !Console.IsErrorRedirected);
        var outcomes = await replayer.RunAsync(cases, progress.Ran, cancellation);
        progress.End();
        return outcomes;
    }

    private static bool Update(CaseStore store, IReadOnlyList<ReplayCase> cases, IReadOnlyList<ReplayOutcome> outcomes, TextWriter output, TextWriter error)
    {
        var isWhole = true;
        foreach (var (replayCase, outcome) in cases.Zip(outcomes))
        {
            if (ReplaySession.ChangeOf(outcome, replayCase.Status) is not { } change)
            {
                continue;
            }

            try
            {
                if (store.TryChange(replayCase.Path, change, out var problem))
                {
                    output.WriteLine($"{outcome.Id} is {change.Status.Name()}{(change.FixedIn is { } version ? $" in {version}" : "")}");
                    continue;
                }

                error.WriteLine(problem);
            }
            catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
            {
                error.WriteLine($"{replayCase.Path}: {unwritable.Message}");
            }

            isWhole = false;
        }

        return isWhole;
    }

    private static bool WriteReports(IReadOnlyList<(string Format, string File)> reports, IReadOnlyList<ReplayOutcome> outcomes, TextWriter error)
    {
        var isWhole = true;
        foreach (var (format, file) in reports)
        {
            try
            {
                File.WriteAllText(file, format switch { "junit" => ReplayReport.JUnit(outcomes), "json" => ReplayReport.Json(outcomes), _ => ReplayReport.Markdown(outcomes) });
            }
            catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
            {
                error.WriteLine($"{file}: {unwritable.Message}");
                isWhole = false;
            }
        }

        return isWhole;
    }

    // The folder of one case lies two levels below the folder of cases.
    private static (CaseStore Store, string[] Ids) Open(string directory, string[] ids, TimeProvider time)
    {
        var path = Path.GetFullPath(directory.TrimEnd('/', '\\') is { Length: > 0 } trimmed ? trimmed : directory);
        return File.Exists(Path.Combine(path, CaseDirectory.CaseFile)) && Path.GetDirectoryName(Path.GetDirectoryName(path)) is { } root
            ? (new CaseStore(root, time), [path])
            : (new CaseStore(path, time), ids);
    }

    private static Uri? Agent(string? text, List<string> problems)
    {
        if (text is null || (Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is ("http" or "https")))
        {
            return text is null ? null : new Uri(text);
        }

        problems.Add($"--agent {text}: must be an address that begins with http:// or https://");
        return null;
    }

    private static BodyTemplate Template(string? file, List<string> problems)
    {
        if (file is null)
        {
            return BodyTemplate.Default;
        }

        try
        {
            if (BodyTemplate.TryParse(File.ReadAllText(file), out var template, out var problem))
            {
                return template!;
            }

            problems.Add($"{file}: {problem}");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{file}: {unreadable.Message}");
        }

        return BodyTemplate.Default;
    }

    private static List<(string, string)> Reports(string[] words, List<string> problems)
    {
        if (words.Length % 2 != 0 || words.Where(static (_, index) => index % 2 == 0).Any(static format => format is not ("junit" or "json" or "markdown")))
        {
            problems.Add("--report takes junit, json or markdown, and a file");
            return [];
        }

        return [.. words.Chunk(2).Select(static pair => (pair[0], pair[1]))];
    }

    private static T InRange<T>(T value, T least, T most, string option, List<string> problems)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{option} must be {least} to {most}"));
            return least;
        }

        return value;
    }

    private static IPEndPoint Address(string? text, int port, string option, List<string> problems)
    {
        if (text is null)
        {
            return new IPEndPoint(IPAddress.Loopback, port);
        }

        if (IPEndPoint.TryParse(text.Replace("localhost", "127.0.0.1", StringComparison.Ordinal), out var address))
        {
            return address;
        }

        problems.Add($"{option} {text}: must be an address and a port, such as 127.0.0.1:4318");
        return new IPEndPoint(IPAddress.Loopback, port);
    }
}

/// <summary>What a rerun was asked for.</summary>
internal sealed record ReplayRequest(
    string? Directory, string[] Cases, string[] Statuses, Uri? Agent, BodyTemplate Body, string? Command, bool StubModel, bool StubTools, bool IgnoreToolResults,
    ReplayOptions Options, IReadOnlyList<(string Format, string File)> Reports, bool Update, ReplayAddressOptions Addresses);
