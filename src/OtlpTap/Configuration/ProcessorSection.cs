using System.Collections.Immutable;
using OtlpTap.Announce;
using OtlpTap.Otlp;
using OtlpTap.Recorder;
using OtlpTap.Rules.Expressions;

namespace OtlpTap.Configuration;

/// <summary><c>processors</c>: the tap itself, and what the Collector has for bounds and batches.</summary>
internal static class ProcessorSection
{
    /// <param name="machineBytes">The memory that percentages of <c>memory_limiter</c> are of.</param>
    public static Components<ProcessorOptions> Read(Section processors, PackNames packs, RuleTexts ruleTexts, Func<long> machineBytes)
    {
        var components = new Components<ProcessorOptions>("processor");
        foreach (var (id, type, section) in processors.Components("tap", "memory_limiter", "batch"))
        {
            components.Add(id, section, type switch
            {
                "tap" => new TapProcessor(id, ReadTap(section, packs, ruleTexts)),
                "memory_limiter" => MemoryLimiterSection.Read(id, section, machineBytes),
                "batch" => BatchSection.Read(id, processors, section),
                "" => null,
                _ => Refused(id, type, processors),
            });
        }

        return components;
    }

    private static ProcessorOptions? Refused(string id, string type, Section processors)
    {
        processors.KeyError(id, CollectorComponents.Processor(type));
        return null;
    }

    private static TapProcessorOptions ReadTap(Section tap, PackNames packs, RuleTexts ruleTexts)
    {
        var defaults = new TapProcessorOptions();
        var recorder = tap.Map("recorder");
        var corpus = tap.Map("corpus");
        var tee = tap.Map("tee");
        var limits = tap.Map("limits");
        var detectors = tap.Map("detectors");
        var verdicts = tap.Map("verdicts");
        var health = tap.Map("health");
        var (tempo, loki) = PullSection.Read(tap.Map("pull"));
        var options = defaults with
        {
            Packs = packs.Read(tap, "packs", defaults.Packs),
            Rules = RuleSection.Read(tap, "rules", ruleTexts),
            ErrorMode = tap.Choice("error_mode", defaults.ErrorMode, [("ignore", ErrorMode.Ignore), ("silent", ErrorMode.Silent), ("propagate", ErrorMode.Propagate)]),
            RecorderBytesMax = recorder.Mebibytes("max_size_mib", defaults.RecorderBytesMax, 16, 65_536),
            RecorderAgeMax = recorder.Duration("max_age", defaults.RecorderAgeMax, TimeSpan.FromMinutes(1), TimeSpan.FromDays(7)),
            RecorderDirectory = recorder.Text("directory", defaults.RecorderDirectory),
            RecorderCompression = recorder.Choice("compression", defaults.RecorderCompression, [("none", RecordEncoding.None), ("zstd", RecordEncoding.Zstd)]),
            CorpusDirectory = corpus.Text("directory", defaults.CorpusDirectory),
            CorpusSettle = corpus.Duration("settle", defaults.CorpusSettle, TimeSpan.Zero, TimeSpan.FromHours(1)),
            CorpusSettleMax = corpus.Duration("settle_max", defaults.CorpusSettleMax, TimeSpan.Zero, TimeSpan.FromHours(24)),
            CorpusLateWindow = corpus.Duration("late_window", defaults.CorpusLateWindow, TimeSpan.Zero, TimeSpan.FromHours(24)),
            CorpusCasesPerHourMax = corpus.Number("cases_per_hour", defaults.CorpusCasesPerHourMax, 0, 1_000_000),
            CorpusUpdatesPerHourMax = corpus.Number("cases_per_hour_per_fingerprint", defaults.CorpusUpdatesPerHourMax, 0, 1_000_000),
            CorpusTracesPerCase = corpus.Number("traces_per_case", defaults.CorpusTracesPerCase, 0, 1000),
            CorpusRedact = RedactSection.Read(corpus.Map("redact"), defaults.CorpusRedact),
            Sinks = SinkSection.Read(corpus, "sinks"),
            CorpusBytesMax = corpus.Mebibytes("max_size_mib", defaults.CorpusBytesMax, 0, 16_777_216),
            IsTeed = tee.Flag("enabled", defaults.IsTeed),
            TeeBytesMax = tee.Mebibytes("max_size_mib", defaults.TeeBytesMax, 1, 4096),
            InFlightBytesMax = limits.Mebibytes("in_flight_mib", defaults.InFlightBytesMax, 1, 65_536),
            OnInvalid = tap.Choice("on_invalid", defaults.OnInvalid, [("relay", OnInvalid.Relay), ("reject_item", OnInvalid.RejectItem), ("repair", OnInvalid.Repair)]),
            ForwardHeaders = ReadForwardHeaders(tap, defaults.ForwardHeaders),
            Evaluations = EvaluationSection.Read(tap.Map("evaluations")),
            Detectors = DetectorSection.Read(detectors),
            Health = HealthSection.Read(health),
            Judges = JudgeSection.Read(detectors, "judge"),
        };
        options = options with
        {
            Advice = AdviceSection.Read(tap.Map("advice"), options),
            Feedback = FeedbackSection.Read(tap.Map("feedback")),
            PullTempo = tempo,
            PullLoki = loki,
            Verdicts = new AnnounceOptions { Spans = verdicts.Flag("spans", defaults.Verdicts.Spans), Logs = verdicts.Flag("logs", defaults.Verdicts.Logs) },
        };

        if (options.RecorderDirectory.Contains('\0', StringComparison.Ordinal))
        {
            recorder.Error("directory", "must name a directory, or be empty for a recorder in memory");
        }

        if (options.CorpusDirectory.Length == 0 || options.CorpusDirectory.Contains('\0', StringComparison.Ordinal))
        {
            corpus.Error("directory", "must name a directory: failing traces become files there");
        }

        if (options.CorpusSettleMax < options.CorpusSettle)
        {
            if (corpus.Has("settle_max"))
            {
                corpus.Error("settle_max", "must not be shorter than `settle`");
            }
            else
            {
                options = options with { CorpusSettleMax = options.CorpusSettle };
            }
        }

        recorder.RefuseUnknownKeys();
        corpus.RefuseUnknownKeys();
        tee.RefuseUnknownKeys();
        limits.RefuseUnknownKeys();
        detectors.RefuseUnknownKeys();
        verdicts.RefuseUnknownKeys();
        tap.RefuseUnknownKeys();
        return options;
    }

    private static ImmutableArray<string> ReadForwardHeaders(Section tap, ImmutableArray<string> byDefault)
    {
        const string Key = "forward_headers";
        if (tap.TextList(Key, byDefault) is not { } names)
        {
            return byDefault;
        }

        var headers = ImmutableArray.CreateBuilder<string>(names.Length);
        for (var i = 0; i < names.Length; i++)
        {
            var name = names[i].Text.ToLowerInvariant();
            if (HeaderName.Problem(name) is { } problem)
            {
                tap.Problems.Error(names[i].Mark, $"{tap.PathOf(Key)}[{i}]", problem);
            }
            else if (!headers.Contains(name))
            {
                headers.Add(name);
            }
        }

        return headers.ToImmutable();
    }
}
