using OtlpTap.Configuration;
using OtlpTap.Detectors;
using OtlpTap.Redact;

namespace OtlpTap.Hosting;

/// <summary>What a reload cannot change without losing what the tap holds: the recorder, the tee and what waits to become cases.</summary>
internal static class AtNextStart
{
    /// <summary>A line for each key that is set to something else now.</summary>
    public static IReadOnlyList<string> Differences(TapOptions before, TapOptions now)
    {
        var (old, next) = (before.Processor, now.Processor);
        (string Key, bool IsSame)[] keys =
        [
            ("recorder.max_size_mib", old.RecorderBytesMax == next.RecorderBytesMax),
            ("recorder.max_age", old.RecorderAgeMax == next.RecorderAgeMax),
            ("recorder.directory", old.RecorderDirectory == next.RecorderDirectory),
            ("recorder.compression", old.RecorderCompression == next.RecorderCompression),
            ("tee.max_size_mib", old.TeeBytesMax == next.TeeBytesMax),
            ("corpus.directory", old.CorpusDirectory == next.CorpusDirectory),
            ("corpus.settle", old.CorpusSettle == next.CorpusSettle),
            ("corpus.settle_max", old.CorpusSettleMax == next.CorpusSettleMax),
            ("corpus.late_window", old.CorpusLateWindow == next.CorpusLateWindow),
            ("corpus.cases_per_hour", old.CorpusCasesPerHourMax == next.CorpusCasesPerHourMax),
            ("health", old.Health == next.Health),
            ("feedback.implicit", old.Feedback.Implicit == next.Feedback.Implicit),
            ("advice.effect", old.Advice.Effect == next.Advice.Effect),
            ("detectors", IsSame(old.Detectors, next.Detectors)),
            ("detectors.judge", old.Judges.SequenceEqual(next.Judges)),
            ("corpus.cases_per_hour_per_fingerprint", old.CorpusUpdatesPerHourMax == next.CorpusUpdatesPerHourMax),
            ("corpus.traces_per_case", old.CorpusTracesPerCase == next.CorpusTracesPerCase),
            ("corpus.sinks", old.Sinks.SequenceEqual(next.Sinks)),
            ("corpus.redact", IsSame(old.CorpusRedact, next.CorpusRedact)),
            ("pull.tempo", old.PullTempo == next.PullTempo),
            ("pull.loki", old.PullLoki == next.PullLoki),
            ("corpus.max_size_mib", old.CorpusBytesMax == next.CorpusBytesMax),
        ];
        return [.. keys.Where(key => !key.IsSame).Select(key => $"processors.tap.{key.Key}: takes effect with the next start; the recorder and the cases go on as they were")];
    }

    private static bool IsSame(DetectorOptions old, DetectorOptions next) => old == next with { Disabled = old.Disabled } && old.Disabled.SetEquals(next.Disabled);

    // Records compare lists by their place.
    private static bool IsSame(RedactOptions old, RedactOptions next) =>
        old with { Attributes = [], Patterns = [] } == next with { Attributes = [], Patterns = [] } && old.Attributes.SequenceEqual(next.Attributes) && old.Patterns.SequenceEqual(next.Patterns);
}
