using System.Globalization;
using System.Text;
using OtlpTap.Benchmarks.EndToEnd;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>What a run came to: what has to hold, and the samples by which it can be judged.</summary>
internal sealed class SteadyReport
{
    private const double MB = 1e6;
    private const int RowsMax = 30;
    private const int TrendSamplesMin = 10;
    private static readonly int TracesRemembered = new OtlpTap.Corpus.CorpusOptions().LateTracesMax;

    private readonly IReadOnlyList<SteadySample> _loaded;
    private readonly SteadySample _end;
    private readonly SteadyLoad _load;
    private readonly KeptCases _kept;
    private readonly MemoryTrend? _trend;
    private readonly int _warmUp;

    /// <param name="samples">Equally far apart; the last one when nothing waited any more.</param>
    /// <param name="cpuNanoseconds">Of the tap for each request, until the last case was written.</param>
    /// <param name="freshness">Milliseconds until health has told of a span, sorted.</param>
    public SteadyReport(IReadOnlyList<SteadySample> samples, SteadyLoad load, double cpuNanoseconds, KeptCases kept, IReadOnlyList<double> freshness)
    {
        Freshness = freshness;
        _loaded = [.. samples.SkipLast(1)];
        _end = samples[^1];
        _load = load;
        CpuMicroseconds = cpuNanoseconds / 1000;
        _kept = kept;

        // Collector and pools have found their size by then, the ring, whose requests have entries outside of it, is full, and so
        // is what the corpus remembers of traces with a case.
        _warmUp = Math.Max(
            _loaded.Count / 4,
            1 + _loaded.TakeWhile(sample => sample.RingBytes < 0.99 * _loaded[^1].RingBytes || sample.Occurrences < TracesRemembered).Count());
        var settled = _loaded.Skip(_warmUp).Select(sample => sample.BesideRingBytes).ToList();
        _trend = settled.Count < TrendSamplesMin ? null : MemoryTrend.Of(settled);
    }

    /// <summary>Milliseconds until health has told of a span, sorted; none where there is no health.</summary>
    public IReadOnlyList<double> Freshness { get; }

    public double RequestsPerSecond => Median(sample => sample.RequestsPerSecond);

    /// <summary>Of a request, all that became cases included.</summary>
    public double CpuMicroseconds { get; }

    /// <summary>Share of the time for which the collector had stopped all threads.</summary>
    public double PausedShare => Grown(sample => sample.PauseSeconds) / Grown(sample => sample.Seconds);

    /// <summary>On the managed heap.</summary>
    public double AllocatedBytesPerSecond => Grown(sample => sample.AllocatedBytes) / Grown(sample => sample.Seconds);

    public double TeeDropped => _end.TeeDropped;

    /// <summary>By detectors, in a second.</summary>
    public double ExaminedPerSecond => Grown(sample => sample.Examined) / Grown(sample => sample.Seconds);

    /// <summary>Milliseconds that the given share of the requests did not exceed.</summary>
    public double Milliseconds(double share) => All.Milliseconds(share);

    /// <summary>What does not hold.</summary>
    public IReadOnlyList<string> Problems =>
    [
        .. _trend is { IsFlat: false } ? [$"Memory grew by {_trend.GrowthBytes / MB:0.0} MB where {_trend.AllowedBytes / MB:0.0} are noise."] : Array.Empty<string>(),
        .. _trend is null ? [$"The run was too short for a judgement of memory: {_end.Occurrences} of {TracesRemembered} traces that the corpus remembers."] : Array.Empty<string>(),
        .. _end.TeeDropped > 0 ? [$"The tee dropped {_end.TeeDropped} requests."] : Array.Empty<string>(),
        .. _load.Refused > 0 ? [$"{_load.Refused} requests were refused."] : Array.Empty<string>(),
        .. Missing(),
        .. _kept.OfHealthyTraces.Count > 0 ? [$"{_kept.OfHealthyTraces.Count} cases are of traces that did not fail, {_kept.OfHealthyTraces[0]} among them."] : Array.Empty<string>(),
    ];

    public string ToMarkdown()
    {
        var failing = _load.FailedTools.Values.Sum();
        var text = new StringBuilder();
        text.Append("| figure | |\n| --- | ---: |\n");
        Row("requests acknowledged, 48 spans in 6 traces each", $"{_load.Acknowledged}");
        Row("requests/s, median", $"{RequestsPerSecond:0}");
        Row("CPU us/request, all that became cases included", $"{CpuMicroseconds:0.0}");
        Row("p50 / p99 of all, ms", $"{All.Milliseconds(0.5):0.0} / {All.Milliseconds(0.99):0.0}");
        Row("failing traces acknowledged / counted in cases", $"{failing} / {_kept.Occurrences.Values.Sum()}");
        Row("a span is seen in health after, p50 / p99, ms", $"{Statistics.Percentile([.. Freshness], 0.5):0.0} / {Statistics.Percentile([.. Freshness], 0.99):0.0}");
        Row("requests the tee dropped", $"{_end.TeeDropped}");
        Row("RSS beside the recorder's ring after warm-up, mean MB", $"{_trend?.MeanBytes / MB:0.0}");
        Row("its growth / allowed, MB", $"{_trend?.GrowthBytes / MB:0.0} / {_trend?.AllowedBytes / MB:0.0}");
        Row("traces examined by detectors / not examined, counted", $"{_end.Examined} / {_end.NotExamined}");
        foreach (var (kind, count) in _kept.Others)
        {
            Row($"traces in cases of {kind}, which detectors found in texts made by chance", $"{count}");
        }

        text.Append('\n').Append(Problems.Count == 0 ? "All of it holds.\n" : string.Concat(Problems.Select(problem => $"**Does not hold**: {problem}\n")));
        text.Append($"""

            Memory is flat when a line through the samples after the first quarter, or where that came later after
            the ring was full and {TracesRemembered} traces had cases, which is what the corpus remembers ({_warmUp} of {_loaded.Count}), by least squares, climbs less than twice their
            standard deviation from it, or than 2 % of their mean. Cases are counted by `seen.json` against what was acknowledged, for each tool that
            failed. For that the trace must still be in the ring when its case is due: the recorder has 1 GiB, and `corpus.settle` is 1 s.


            | s | requests/s | p50 ms | p99 ms | RSS MB | ring MB | beside it MB | heap MB | tee drops | failing traces in cases | captures waiting |
            | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |

            """);
        var step = Math.Max(1, (_loaded.Count + RowsMax - 1) / RowsMax);
        foreach (var sample in _loaded.Where((_, i) => i % step == step - 1))
        {
            text.Append(Line(sample)).Append('\n');
        }

        return text.ToString();

        void Row(string name, FormattableString value) => text.Append("| ").Append(name).Append(" | ").Append(FormattableString.Invariant(value)).Append(" |\n");
    }

    public static string Line(SteadySample sample) => string.Create(
        CultureInfo.InvariantCulture,
        $"| {sample.Seconds:0} | {sample.RequestsPerSecond:0} | {sample.Latencies.Milliseconds(0.5):0.0} | {sample.Latencies.Milliseconds(0.99):0.0} | {sample.ResidentBytes / MB:0.0} | {sample.RingBytes / MB:0.0} | {sample.BesideRingBytes / MB:0.0} | {sample.HeapBytes / MB:0.0} | {sample.TeeDropped} | {sample.Occurrences} | {sample.PendingCaptures} |");

    private LatencyWindow.LatencyCounts All => _loaded.Select(sample => sample.Latencies).Aggregate((one, other) => one.With(other));

    private double Grown(Func<SteadySample, double> figure) => figure(_loaded[^1]) - figure(_loaded[0]);

    private double Median(Func<SteadySample, double> figure) => Statistics.Median(_loaded.Select(figure));

    private IEnumerable<string> Missing()
    {
        foreach (var (tool, count) in _load.FailedTools.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var kept = _kept.Occurrences.GetValueOrDefault(tool);
            if (kept != count)
            {
                yield return $"Of {tool}, {count} traces failed and were acknowledged, and {kept} are in cases (captures dropped: {_end.CapturesDropped}).";
            }
        }
    }
}
