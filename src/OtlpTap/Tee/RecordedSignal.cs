using System.Threading.Tasks.Sources;

namespace OtlpTap.Tee;

/// <summary>
/// Tells one waiting request that its bytes are in the recorder (true) or could not be recorded (false). For one
/// request: made, offered, awaited at most once. It completes exactly once when the offer was taken, and never when it was refused.
/// </summary>
internal sealed class RecordedSignal : IValueTaskSource<bool>
{
    // Continuations run on the thread pool: the recorder's one thread must not serve replies.
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

    public ValueTask<bool> Completion => new(this, _core.Version);

    public void Complete(bool recorded) => _core.SetResult(recorded);

    bool IValueTaskSource<bool>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
