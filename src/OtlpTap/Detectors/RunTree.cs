using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Detectors;

/// <summary>Which step is inside which.</summary>
internal sealed class RunTree
{
    // Deeper nesting is a ring of parents or hostile.
    private const int DepthMax = 256;

    private readonly Dictionary<SpanId, RunStep> _byId = [];

    public RunTree(AgentRun run)
    {
        foreach (var step in run.Steps)
        {
            _byId.TryAdd(step.SpanId, step);
        }
    }

    public RunStep? ParentOf(RunStep step) => !step.ParentId.IsZero && _byId.TryGetValue(step.ParentId, out var parent) && parent != step ? parent : null;

    /// <summary>From the parent up to the highest that came.</summary>
    public IEnumerable<RunStep> AncestorsOf(RunStep step)
    {
        var ancestor = ParentOf(step);
        for (var depth = 0; ancestor is not null && depth < DepthMax; depth++)
        {
            yield return ancestor;
            ancestor = ParentOf(ancestor);
        }
    }

    /// <summary>The lowest step around all of <paramref name="steps"/>; null where there is none, or it has not come.</summary>
    public RunStep? Around(IEnumerable<RunStep> steps)
    {
        List<RunStep>? common = null;
        foreach (var step in steps)
        {
            if (common is null)
            {
                common = [.. AncestorsOf(step)];
            }
            else
            {
                var own = AncestorsOf(step).ToHashSet();
                common.RemoveAll(ancestor => !own.Contains(ancestor));
            }

            if (common.Count == 0)
            {
                return null;
            }
        }

        return common?.FirstOrDefault();
    }
}
