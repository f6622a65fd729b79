using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>The line to one upstream: carries gRPC calls over HTTP/2, keeps the connections, and nothing else (no queue, no retry, no clock).</summary>
internal interface IUpstreamTransport : IAsyncDisposable
{
    /// <summary>
    /// Sends <paramref name="body"/> as the one message of a unary call and reads the answer whole.
    /// Whatever the network or the upstream does comes back as a value; the only exception is
    /// <see cref="OperationCanceledException"/>, when <paramref name="cancellation"/> fires (the stream is then reset).
    /// The caller owns the payloads: once the returned task has completed, in whichever way, they are not read any more.
    /// </summary>
    ValueTask<UpstreamAnswer> CallAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation);

    /// <summary>
    /// Makes one round trip that stores nothing (connecting first where there is no connection), to see whether the
    /// upstream is there. Same rules as <see cref="CallAsync"/>; <see cref="UpstreamAnswer.IsReachable"/> is the result.
    /// </summary>
    ValueTask<UpstreamAnswer> ProbeAsync(CancellationToken cancellation);
}
