namespace OtlpTap.Detectors;

/// <summary>All detectors, in the order in which they look: what explains an answer comes before what only sees that it is odd.</summary>
internal static class DetectorSet
{
    /// <summary>The names that can stand under <c>detectors</c>.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All(new DetectorOptions()).Select(static detector => detector.Name)];

    public static IReadOnlyList<IDetector> All(DetectorOptions options)
    {
        IReadOnlyList<IDetector> all =
        [
            new UnknownToolDetector(),
            new ToolArgumentsDetector(),
            new ToolResultDetector(),
            new FinishReasonDetector(),
            new RefusalDetector(),
            new EmptyAnswerDetector(),
            new LoopDetector(),
            new UnfinishedRunDetector(),
        ];
        return [.. all.Where(detector => options.IsEnabled(detector.Name))];
    }
}
