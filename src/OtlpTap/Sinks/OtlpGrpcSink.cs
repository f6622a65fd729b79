using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Forward.Http2;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Sinks;

/// <summary>Sends the case's trace and its logs by OTLP/gRPC, over the exporters' transport: its TLS, its headers, its keepalive.</summary>
internal sealed class OtlpGrpcSink : ICaseSink
{
    private readonly SinkOptions _options;
    private readonly CaseTraces _traces;
    private readonly TimeProvider _time;
    private readonly IUpstreamTransport _line;

    // A case now and then: nothing is worth keeping.
    private readonly PayloadPool _payloads = new(retainedBytesMax: 0);

    public OtlpGrpcSink(SinkOptions options, CaseTraces traces, TimeProvider time)
    {
        _options = options;
        _traces = traces;
        _time = time;
        var upstream = UpstreamOptions.From(options.Connection, options.Upstream!) with
        {
            Timeout = options.Timeout,
            ConnectTimeout = options.Timeout < TimeSpan.FromSeconds(6) ? options.Timeout / 2 : TimeSpan.FromSeconds(3),
        };

        // What a connection comes to, the lane says once.
        _line = Forwarders.Grpc(upstream, time, NullLogger<Http2Transport>.Instance);
    }

    public async Task<SinkReply> SendAsync(SinkItem item, CancellationToken cancellation)
    {
        foreach (var signal in (Signal[])[Signal.Traces, Signal.Logs])
        {
            byte[] request;
            try
            {
                request = _traces.Read(item, signal, _options.Redact);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return new SinkReply(SinkFailReason.File, IsRetryable: false, exception.Message);
            }

            if (request.Length > 0 && await CallAsync(signal, request, cancellation) is { Failure: not null } failed)
            {
                return failed;
            }
        }

        return SinkReply.Taken;
    }

    public ValueTask DisposeAsync() => _line.DisposeAsync();

    private async Task<SinkReply> CallAsync(Signal signal, byte[] request, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_options.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var payload = _payloads.Rent(request.Length);
        try
        {
            request.CopyTo(payload.Writable);
            return Reply(await _line.CallAsync(signal, new UpstreamBody(payload), RequestMetadata.Empty, either.Token));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new SinkReply(SinkFailReason.Timeout, IsRetryable: true, $"no answer from {_options.Upstream} within {_options.Timeout.TotalSeconds} s");
        }
        finally
        {
            payload.Release();
        }
    }

    private SinkReply Reply(in UpstreamAnswer answer)
    {
        var reply = answer.Reply;
        if (reply.Status == StatusCode.OK)
        {
            return SinkReply.OfPartial(reply.Body.Span, $"{_options.Upstream}");
        }

        var isAsked = FailureKind.TryGetRetryDelay(reply, out var retryAfter);
        return new SinkReply(
            answer.Outcome is UpstreamOutcome.ConnectFailed or UpstreamOutcome.ConnectionLost ? SinkFailReason.Connection
                : reply.Status == StatusCode.ResourceExhausted && isAsked ? SinkFailReason.RateLimited
                : SinkFailReason.GrpcStatus,
            FailureKind.IsRetryable(reply),
            answer.Outcome == UpstreamOutcome.Answered ? $"{_options.Upstream} answered {reply.Status}: {SinkReply.Short(reply.Message)}" : reply.Message,
            isAsked ? retryAfter : null);
    }
}
