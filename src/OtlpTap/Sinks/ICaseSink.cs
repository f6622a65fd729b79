using OtlpTap.Metrics;

namespace OtlpTap.Sinks;

/// <summary>What came of one attempt.</summary>
/// <param name="Failure">Null: it was taken.</param>
/// <param name="IsRetryable">It may be taken later.</param>
/// <param name="RetryAfter">When, if it said so.</param>
internal readonly record struct SinkReply(SinkFailReason? Failure, bool IsRetryable = false, string Cause = "", TimeSpan? RetryAfter = null)
{
    public static readonly SinkReply Taken;
}

/// <summary>A place outside the process that cases go to.</summary>
internal interface ICaseSink : IDisposable
{
    /// <exception cref="OperationCanceledException">The caller's own <paramref name="cancellation"/> fired.</exception>
    Task<SinkReply> SendAsync(SinkItem item, CancellationToken cancellation);
}
