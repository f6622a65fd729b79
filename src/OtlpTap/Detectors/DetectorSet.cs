using OtlpTap.Detectors.Grounding;

namespace OtlpTap.Detectors;

/// <summary>All detectors, in the order in which they look: what explains an answer comes before what only sees that it is odd.</summary>
internal static class DetectorSet
{
    /// <summary>The names that can stand under <c>detectors</c>.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All(new DetectorOptions(), TimeProvider.System).Select(static detector => detector.Name)];

    /// <param name="parentWait">How long after a trace's last span a parent may still come.</param>
    public static IReadOnlyList<IDetector> All(DetectorOptions options, TimeProvider time, TimeSpan? parentWait = null)
    {
        IReadOnlyList<IDetector> all =
        [
            new UnknownToolDetector(),
            new ToolArgumentsDetector(),
            new ToolResultDetector(),
            new FinishReasonDetector(),
            new RefusalDetector(),
            new ModelErrorDetector(),
            new EmptyAnswerDetector(),
            new GroundingDetector(options.Grounding),
            new LoopDetector(),
            new UnfinishedRunDetector(),
            new IncompleteTraceDetector(time, parentWait ?? IncompleteTraceDetector.WaitDefault),
        ];
        return [.. all.Where(detector => options.Has(detector.Name))];
    }
}
