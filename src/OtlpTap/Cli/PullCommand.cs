using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Configuration;
using OtlpTap.Corpus;
using OtlpTap.Detectors;
using OtlpTap.Forward;
using OtlpTap.Metrics;
using OtlpTap.Pull;

namespace OtlpTap.Cli;

/// <summary><c>otlptap pull tempo | loki</c>: traces and logs that a backend has, judged as on the line; the failing ones become cases.</summary>
internal static class PullCommand
{
    private const int Interrupted = 1;
    private const int Unusable = 2;

    public static Command Create(TimeProvider time) => new("pull", "Makes cases of what a backend already has.")
    {
        Create(PullSource.Tempo, "Traces that a TraceQL query finds in Tempo.", time),
        Create(PullSource.Loki, "Log lines that a LogQL query finds in Loki, by the traces they name.", time),
    };

    private static Command Create(PullSource source, string description, TimeProvider time)
    {
        var options = new Options(source);
        var command = new Command(source == PullSource.Tempo ? "tempo" : "loki", description);
        options.AddTo(command);
        command.SetAction((parsed, cancellation) => RunAsync(options, parsed, time, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(Options options, ParseResult parsed, TimeProvider time, CancellationToken cancellation)
    {
        var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        var loaded = new ConfigurationLoader().Load(parsed.GetValue(options.Config) ?? []);
        foreach (var problem in loaded.Problems)
        {
            error.WriteLine(problem);
        }

        if (loaded.Options is not { } tap || options.Read(parsed, tap.Processor, time, error) is not { } request)
        {
            return Unusable;
        }

        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        ConsoleCancelEventHandler stop = (_, pressed) =>
        {
            pressed.Cancel = true;
            interrupt.Cancel();
        };
        Console.CancelKeyPress += stop;
        var isQuiet = parsed.GetValue(options.Quiet);
        using var shown = new PullConsole(error, isQuiet, isBar: !isQuiet && error == Console.Error && !Console.IsErrorRedirected, time);
        try
        {
            return await RunAsync(request, tap, shown, time, output, error, isQuiet, interrupt.Token);
        }
        catch (OperationCanceledException)
        {
            shown.End();
            error.WriteLine("Interrupted. The same command goes on where this one was.");
            return Interrupted;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            shown.End();
            error.WriteLine($"{request.Directory}: {exception.Message}");
            return Unusable;
        }
        finally
        {
            Console.CancelKeyPress -= stop;
        }
    }

    private static async Task<int> RunAsync(Request request, TapOptions tap, PullConsole shown, TimeProvider time, TextWriter output, TextWriter error, bool isQuiet, CancellationToken cancellation)
    {
        var processor = tap.Processor;
        var corpus = new CorpusOptions
        {
            Directory = request.Directory,
            CasesPerHourMax = 0, // a person asked for these
            UpdatesPerHourMax = 0,
            TracesPerCase = processor.CorpusTracesPerCase,
            Redact = processor.CorpusRedact,
            DirectoryBytesMax = processor.CorpusBytesMax,
        };
        using var state = PullState.Open(request.Directory, request.Pull);
        var metrics = new CorpusMetrics(Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry()));
        var writer = new CaseWriter(corpus, null, metrics, time, NullLogger<CaseWriter>.Instance);
        var detectors = processor.Detectors with { TraceTimeMax = TimeSpan.FromMinutes(1) };
        var judge = new PulledJudge(tap.Rules, detectors, processor.Evaluations, time, NullLogger<TraceJudge>.Instance);
        PullReport report;
        try
        {
            var run = new PullRun(judge, new CaseFolder(writer, time), state, shown, request.TracesMax);
            report = await Puller.RunAsync(request.Pull, run, request.Since, request.Until, time, NullLogger.Instance, cancellation);
        }
        finally
        {
            writer.WriteCounts();
        }

        shown.End();
        var progress = report.Progress;
        if (!isQuiet)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{progress.Traces} traces looked at, {progress.Failing} failing, {progress.Cases} cases written or changed in {request.Directory}{Besides(progress)}{(report.IsCut && report.Failed is null ? "; there is more" : "")}."));
        }

        if (report.Failed is { } failed)
        {
            error.WriteLine($"{failed.Cause}. The same command goes on where this one was.");
            return Unusable;
        }

        return 0;
    }

    private static string Besides(in PullProgress progress) =>
        (progress.Known > 0 ? $"; {progress.Known} looked at before" : "") + (progress.Missed > 0 ? $"; {progress.Missed} could not be fetched" : "");

    private sealed record Request(PullOptions Pull, string Directory, DateTimeOffset Since, DateTimeOffset Until, long TracesMax);

    private sealed class Options(PullSource source)
    {
        private readonly Option<string?> _url = new("--url") { Description = source == PullSource.Tempo ? "Tempo's query API, as http://tempo:3200. Default: pull.tempo.url of the configuration." : "Loki's query API, as http://loki:3100. Default: pull.loki.url of the configuration." };
        private readonly Option<string?> _query = new("--query") { Description = source == PullSource.Tempo ? "TraceQL. Default: pull.tempo.query, or { }, all traces." : "LogQL for log lines. Default: pull.loki.query." };
        private readonly Option<string?> _since = new("--since") { Description = "How far back: a duration (24h, 90m), or a time as 2026-11-23T00:00:00Z. Default 24h." };
        private readonly Option<string?> _until = new("--until") { Description = "Up to when, in the same forms. Default now." };
        private readonly Option<long?> _limit = new("--limit") { Description = "Traces to look at, at most." };
        private readonly Option<string?> _tenant = new("--tenant") { Description = "Sent as X-Scope-OrgID." };
        private readonly Option<string[]> _headers = new("--header") { Description = "A header as NAME=VALUE, sent with every request.", AllowMultipleArgumentsPerToken = false };
        private readonly Option<string?> _tokenFile = new("--token-file") { Description = "A file whose first line is sent as a bearer token." };
        private readonly Option<string?> _directory = new("--output", "-o") { Description = "The folder of cases. Default: corpus.directory of the configuration." };
        private readonly Option<int?> _attributeBytes = new("--max-attribute-bytes") { Description = "Where the backend cuts values; a value of exactly this length is suspected to be cut. Default 2048; 0: it does not cut." };

        public Option<string[]> Config { get; } = ConfigOption.Create();

        public Option<bool> Quiet { get; } = new("--quiet", "-q") { Description = "Says nothing but what went wrong." };

        public void AddTo(Command command)
        {
            foreach (var option in (Option[])[_url, _query, _since, _until, _limit, _tenant, _headers, _tokenFile, Config, _directory, Quiet])
            {
                command.Add(option);
            }

            if (source == PullSource.Tempo)
            {
                command.Add(_attributeBytes);
            }
        }

        /// <summary>Null, with all that is wrong said.</summary>
        public Request? Read(ParseResult parsed, TapProcessorOptions processor, TimeProvider time, TextWriter error)
        {
            var problems = new List<string>();
            var configured = source == PullSource.Tempo ? processor.PullTempo : processor.PullLoki;
            var url = configured?.Url;
            if (parsed.GetValue(_url) is { } text)
            {
                url = PullSection.Url(text, out var problem);
                if (url is null)
                {
                    problems.Add($"--url: {problem}");
                }
            }
            else if (url is null)
            {
                problems.Add("--url must be given, or be in the configuration");
            }

            var query = parsed.GetValue(_query) ?? (configured is { Query.Length: > 0 } ? configured.Query : source == PullSource.Tempo ? "{ }" : "");
            if (query.Length == 0)
            {
                problems.Add("--query must be given, or be in the configuration");
            }

            var tenant = parsed.GetValue(_tenant) ?? configured?.Tenant ?? "";
            if (!PullSection.Ascii(tenant))
            {
                problems.Add("--tenant: letters, digits and ASCII punctuation are expected");
            }

            var now = time.GetUtcNow();
            var until = TimeOf(parsed.GetValue(_until), now) ?? now;
            var since = TimeOf(parsed.GetValue(_since) ?? "24h", now);
            if (since is null || (parsed.GetValue(_until) is { } untilText && TimeOf(untilText, now) is null))
            {
                problems.Add("--since and --until are durations (24h, 90m) or times (2026-11-23T00:00:00Z)");
            }
            else if (since >= until)
            {
                problems.Add("--since must lie before --until");
            }

            if (parsed.GetValue(_limit) is < 1)
            {
                problems.Add("--limit must be 1 or more");
            }

            if (parsed.GetValue(_attributeBytes) is < 0)
            {
                problems.Add("--max-attribute-bytes must be 0 or more");
            }

            var connection = Headers(parsed, configured?.Connection ?? new ForwardOptions { Endpoint = "" }, problems);
            foreach (var problem in problems)
            {
                error.WriteLine(problem);
            }

            if (problems.Count > 0)
            {
                return null;
            }

            var pull = (configured ?? new PullOptions { Source = source, Url = url!, Connection = connection }) with
            {
                Url = url!,
                Query = query,
                Tenant = tenant,
                Connection = PullSection.WithTenant(connection, tenant),
                TokenFile = parsed.GetValue(_tokenFile) ?? configured?.TokenFile,
            };
            pull = pull with { AttributeBytesMax = parsed.GetValue(_attributeBytes) ?? pull.AttributeBytesMax };
            return new Request(pull, parsed.GetValue(_directory) ?? processor.CorpusDirectory, since!.Value, until, parsed.GetValue(_limit) ?? long.MaxValue);
        }

        private ForwardOptions Headers(ParseResult parsed, ForwardOptions connection, List<string> problems)
        {
            var headers = connection.Headers.ToList();
            if (parsed.GetValue(_tenant) is not null)
            {
                headers.RemoveAll(static header => header.Name == "x-scope-orgid");
            }

            foreach (var text in parsed.GetValue(_headers) ?? [])
            {
                var at = text.IndexOf('=', StringComparison.Ordinal);
                var name = (at < 0 ? text : text[..at]).ToLowerInvariant();
                if (at < 1 || HeaderName.Problem(name) is not null || text.AsSpan(at).ContainsAny('\r', '\n', '\0'))
                {
                    // The value is not shown: it may be a credential.
                    problems.Add($"--header: NAME=VALUE is expected, with a name that HTTP allows and a value of one line");
                }
                else
                {
                    headers.Add((name, text[(at + 1)..]));
                }
            }

            return connection with { Headers = headers };
        }

        private static DateTimeOffset? TimeOf(string? text, DateTimeOffset now)
        {
            if (text is null)
            {
                return null;
            }

            if (GoDuration.TryParse(text, out var back) && back >= TimeSpan.Zero && back < now - DateTimeOffset.UnixEpoch)
            {
                return now - back;
            }

            return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && time >= DateTimeOffset.UnixEpoch ? time : null;
        }
    }
}
