using OtlpTap.Runs;

namespace OtlpTap.Detectors;

/// <summary>
/// One check of a whole trace, off the request path. Keeps nothing between calls; called by one thread at a time for each
/// run, by several for different ones. Content is hostile: what takes long asks <see cref="DetectionContext.IsTimeOver"/>.
/// </summary>
internal interface IDetector
{
    /// <summary>Lower case with underscores: the key under <c>detectors</c>, the label of the metrics, and the verdict's rule.</summary>
    string Name { get; }

    void Examine(AgentRun run, DetectionContext context);
}
