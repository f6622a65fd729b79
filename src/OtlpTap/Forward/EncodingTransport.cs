using System.Runtime.CompilerServices;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>
/// In front of a transport whose messages go out compressed or as JSON. What the sender has compressed already goes on as
/// it came, byte for byte.
/// </summary>
internal sealed class EncodingTransport(IUpstreamTransport line, BodyEncoder encoder) : IUpstreamTransport
{
    public ValueTask<UpstreamAnswer> CallAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation) =>
        encoder.AsSent(body) is { } sent
            ? line.CallAsync(signal, new UpstreamBody(sent, Compression.Gzip), metadata, cancellation)
            : EncodeAsync(signal, body, metadata, cancellation);

    public ValueTask<UpstreamAnswer?> ProbeAsync(CancellationToken cancellation) => line.ProbeAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await line.DisposeAsync();
        encoder.Dispose();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<UpstreamAnswer> EncodeAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation)
    {
        // Milliseconds for a megabyte: not on the thread of whoever sends, who has others to answer.
        await Task.Yield();
        cancellation.ThrowIfCancellationRequested();
        var outcome = encoder.Encode(signal, body, out var encoded, out var compression);
        if (outcome is EncodeOutcome.InFlightFull or EncodeOutcome.NotWritable)
        {
            return outcome == EncodeOutcome.InFlightFull ? UpstreamFailure.InFlightFull : UpstreamFailure.NotWritable;
        }

        if (encoded is null)
        {
            return await line.CallAsync(signal, body, metadata, cancellation);
        }

        try
        {
            return await line.CallAsync(signal, new UpstreamBody(encoded, compression), metadata, cancellation);
        }
        finally
        {
            encoded.Release();
        }
    }
}
