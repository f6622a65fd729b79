using System.Collections.Immutable;

namespace OtlpTap.Configuration;

/// <summary><c>processors</c>: the tap itself.</summary>
internal static class ProcessorSection
{
    private const string NotYet = "is not supported by this version yet: remove it";

    public static Components<TapProcessorOptions> Read(Section processors, PackNames packs, RuleTexts ruleTexts)
    {
        var components = new Components<TapProcessorOptions>("processor");
        foreach (var (id, type, section) in processors.Components())
        {
            var isTap = type == "tap";
            if (!isTap && type.Length > 0)
            {
                processors.KeyError(id, $"`{type}` is no processor of the tap; {Instead(type)}");
            }

            components.Add(id, section, isTap ? ReadTap(section, packs, ruleTexts) : null);
        }

        return components;
    }

    private static string Instead(string type) => type switch
    {
        "batch" => "requests are joined by themselves while the upstream is busy: remove it",
        "memory_limiter" => "memory is bounded by `limits.in_flight_mib` of the tap processor: remove it",
        "tail_sampling" or "groupbytrace" or "filter" or "transform" or "attributes" or "resource" => "everything is forwarded as it came: leave this to a Collector behind the tap",
        _ => "it has `tap`",
    };

    private static TapProcessorOptions ReadTap(Section tap, PackNames packs, RuleTexts ruleTexts)
    {
        var defaults = new TapProcessorOptions();
        var recorder = tap.Map("recorder");
        var corpus = tap.Map("corpus");
        var tee = tap.Map("tee");
        var limits = tap.Map("limits");
        var options = defaults with
        {
            Packs = packs.Read(tap, "packs", defaults.Packs),
            Rules = RuleSection.Read(tap, "rules", ruleTexts),
            RecorderBytesMax = (long)recorder.Number("max_size_mib", (int)(defaults.RecorderBytesMax >> 20), 16, 65_536) << 20,
            RecorderAgeMax = recorder.Duration("max_age", defaults.RecorderAgeMax, TimeSpan.FromMinutes(1), TimeSpan.FromDays(7)),
            CorpusDirectory = corpus.Text("directory", defaults.CorpusDirectory),
            CorpusSettle = corpus.Duration("settle", defaults.CorpusSettle, TimeSpan.Zero, TimeSpan.FromHours(1)),
            CorpusSettleMax = corpus.Duration("settle_max", defaults.CorpusSettleMax, TimeSpan.Zero, TimeSpan.FromHours(24)),
            CorpusLateWindow = corpus.Duration("late_window", defaults.CorpusLateWindow, TimeSpan.Zero, TimeSpan.FromHours(24)),
            CorpusCasesPerHourMax = corpus.Number("cases_per_hour", defaults.CorpusCasesPerHourMax, 0, 1_000_000),
            CorpusBytesMax = (long)corpus.Number("max_size_mib", (int)(defaults.CorpusBytesMax >> 20), 0, 16_777_216) << 20,
            IsTeed = tee.Flag("enabled", defaults.IsTeed),
            TeeBytesMax = (long)tee.Number("max_size_mib", (int)(defaults.TeeBytesMax >> 20), 1, 4096) << 20,
            InFlightBytesMax = (long)limits.Number("in_flight_mib", (int)(defaults.InFlightBytesMax >> 20), 1, 65_536) << 20,
            ForwardHeaders = ReadForwardHeaders(tap, defaults.ForwardHeaders),
        };

        if (recorder.Text("directory", "").Length > 0)
        {
            recorder.Error("directory", "recording to files is not supported yet: leave it empty, which keeps the recorder in memory");
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
        tap.Refuse(["detectors", "feedback", "advice"], NotYet);
        tap.RefuseUnknownKeys();
        return options;
    }

    private static ImmutableArray<string> ReadForwardHeaders(Section tap, ImmutableArray<string> byDefault)
    {
        const string Key = "forward_headers";
        if (tap.TextList(Key) is not { } names)
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
