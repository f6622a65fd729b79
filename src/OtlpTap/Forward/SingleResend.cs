using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>
/// Sends the members of a refused call again, each alone, so that only the one at fault is refused. Outside the call
/// slots, so that neighbours do not wait behind it, and a few at a time, so that a poisoned batch of a thousand does not
/// become a thousand calls at once. What waits here holds its in-flight credit, which bounds it.
/// </summary>
internal sealed class SingleResend(Upstream upstream, int callsMax, string exporter, ForwardMetrics metrics, ILogger log)
{
    private readonly Lock _lock = new();

    // Under the lock.
    private readonly Queue<ForwardRequest> _waiting = new();
    private int _calls;

    public void Resend(ReadOnlySpan<ForwardRequest> requests, ExportReply refusal)
    {
        log.Resending(exporter, requests.Length, refusal.Status);
        int start;
        lock (_lock)
        {
            foreach (var request in requests)
            {
                _waiting.Enqueue(request);
            }

            start = Math.Min(callsMax - _calls, requests.Length);
            _calls += start;
        }

        for (var i = 0; i < start; i++)
        {
            _ = RunAsync();
        }
    }

    private async Task RunAsync()
    {
        while (Next() is { } request)
        {
            if (request.HasLeft)
            {
                metrics.Abandoned();
                request.EndBytes();
                continue;
            }

            metrics.Resent();
            var answer = await upstream.CallAsync(request.Signal, new UpstreamBody(request.Payload), request.Metadata);
            request.EndBytes();
            request.ReplyOnPool(answer.Reply);
        }
    }

    private ForwardRequest? Next()
    {
        lock (_lock)
        {
            if (_waiting.TryDequeue(out var request))
            {
                return request;
            }

            _calls--;
            return null;
        }
    }
}
