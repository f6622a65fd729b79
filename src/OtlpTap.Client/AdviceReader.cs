using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace OtlpTap.Client;

/// <summary>
/// The advice of now. Reading takes nanoseconds, allocates nothing, never waits and never throws: it looks at a snapshot that is
/// exchanged behind the scenes. Without a tap that can be reached, and once nothing was heard of it for
/// <see cref="TapClientOptions.StaleAfter"/>, there is no advice. Any thread.
/// <para>
/// Where the tap holds traces out (<c>holdout</c>), the trace of <see cref="Activity.Current"/> decides: one that is held out gets no
/// advice, so that its outcome can be compared. Outside of an activity nothing is held out.
/// </para>
/// </summary>
public sealed class AdviceReader
{
    private readonly HeldOutTraces _heldOut = new();
    private volatile AdviceIndex _index = AdviceIndex.None;
    private volatile string? _problem;

    internal AdviceReader()
    {
    }

    /// <summary>Of what the tap told last; 0 where there is nothing.</summary>
    public long Version => _index.Version;

    /// <summary>Why the tap could not be asked when it was tried last; null where it could.</summary>
    public string? Problem => _problem;

    /// <summary>Whether the trace of <see cref="Activity.Current"/> goes without advice.</summary>
    public bool IsHeldOut => IsHeldOutBy(_index);

    /// <summary>
    /// What concerns a tool and a model: what is about them, and what is about all. Without a tool what is about any tool, and so for
    /// models.
    /// </summary>
    public AdviceSet For(string? tool = null, string? model = null)
    {
        var index = _index;
        return index.IsEmpty || IsHeldOutBy(index) ? default : new AdviceSet(index.For(tool), model);
    }

    /// <summary>The first advice to do something, whatever it is about.</summary>
    /// <param name="action">As <c>ask_user</c>.</param>
    /// <param name="advice">What it says.</param>
    public bool TryGet(string action, [NotNullWhen(true)] out Advice? advice) => For().TryGet(action, out advice);

    /// <summary>The first advice to do something about a tool.</summary>
    /// <param name="action">As <c>reroute</c>.</param>
    /// <param name="tool">The one that is to be used.</param>
    /// <param name="advice">What it says.</param>
    public bool TryGet(string action, string? tool, [NotNullWhen(true)] out Advice? advice) => For(tool).TryGet(action, out advice);

    /// <summary>The first advice to do something about a tool and a model.</summary>
    /// <param name="action">As <c>reroute</c>.</param>
    /// <param name="tool">The one that is to be used; null for any.</param>
    /// <param name="model">The one that is to be used; null for any.</param>
    /// <param name="advice">What it says.</param>
    public bool TryGet(string action, string? tool, string? model, [NotNullWhen(true)] out Advice? advice) => For(tool, model).TryGet(action, out advice);

    internal void Publish(AdviceIndex index) => _index = index;

    internal void Told(string? problem) => _problem = problem;

    private bool IsHeldOutBy(AdviceIndex index) =>
        index.Holdout > 0 && Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity && _heldOut.Has(activity.TraceId, index.Holdout);
}
