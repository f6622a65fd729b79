using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>Requests whose bytes an exporter still needs, whether or not their senders wait. The drain waits for 0.</summary>
internal sealed class Outstanding
{
    private readonly int[] _bySignal = new int[Enum.GetValues<Signal>().Length];
    private TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int this[Signal signal] => Volatile.Read(ref _bySignal[(int)signal]);

    public int Count => _bySignal.Sum();

    public void Enter(Signal signal) => Interlocked.Increment(ref _bySignal[(int)signal]);

    public void Exit(Signal signal)
    {
        // Of those that end the last ones of their signals at the same time, at least one sees that all are 0.
        if (Interlocked.Decrement(ref _bySignal[(int)signal]) == 0 && IsNone())
        {
            Volatile.Read(ref _drained).TrySetResult();
        }
    }

    /// <exception cref="OperationCanceledException">The deadline came first.</exception>
    public Task DrainAsync(CancellationToken deadline)
    {
        var drained = Volatile.Read(ref _drained);
        if (drained.Task.IsCompleted)
        {
            var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var found = Interlocked.CompareExchange(ref _drained, next, drained);
            drained = found == drained ? next : found;
        }

        if (IsNone())
        {
            drained.TrySetResult();
        }

        return drained.Task.WaitAsync(deadline);
    }

    private bool IsNone()
    {
        foreach (ref var count in _bySignal.AsSpan())
        {
            if (Volatile.Read(ref count) != 0)
            {
                return false;
            }
        }

        return true;
    }
}
