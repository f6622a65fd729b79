namespace OtlpTap.Web;

/// <summary>How long clients may take to take what they asked for.</summary>
internal static class SlowReaders
{
    /// <summary>False where the client did not take all of it in time: its connection is to be ended.</summary>
    public static async Task<bool> TrySendAsync(Func<CancellationToken, Task> send, TimeSpan patience, TimeProvider time, CancellationToken end)
    {
        using var timeout = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, end);
        try
        {
            await send(either.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            // Told below: Kestrel ends the connection itself in some cases, and throws in others.
        }

        return !timeout.IsCancellationRequested;
    }
}
