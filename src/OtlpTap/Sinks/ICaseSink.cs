using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Sinks;

/// <summary>What came of one attempt.</summary>
/// <param name="Failure">Null: it was taken.</param>
/// <param name="IsRetryable">It may be taken later.</param>
/// <param name="RetryAfter">When, if it said so.</param>
internal readonly record struct SinkReply(SinkFailReason? Failure, bool IsRetryable = false, string Cause = "", TimeSpan? RetryAfter = null)
{
    private const int MessageMax = 256;

    public static readonly SinkReply Taken;

    /// <summary>Of an <c>Export*ServiceResponse</c>: a trace of which spans were refused has not arrived whole. Sent again it would be refused again.</summary>
    public static SinkReply OfPartial(ReadOnlySpan<byte> response, string who) =>
        PartialSuccess.TryRead(response, out var partial) && partial.Rejected > 0
            ? new SinkReply(SinkFailReason.Rejected, IsRetryable: false, $"{who} refused {partial.Rejected} items: {Short(partial.Message)}")
            : Taken;

    public static string Short(string message) => message.Cut(MessageMax);
}

/// <summary>A place outside the process that cases go to.</summary>
internal interface ICaseSink : IAsyncDisposable
{
    /// <exception cref="OperationCanceledException">The caller's own <paramref name="cancellation"/> fired.</exception>
    Task<SinkReply> SendAsync(SinkItem item, CancellationToken cancellation);
}
