using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>
/// Small requests of one signal. A request that finds a call slot free goes at once; what comes while all are busy waits,
/// and leaves joined in the next call. So nothing is delayed at low load, and at high load the number of calls stays
/// what the upstream can answer.
/// </summary>
internal sealed class GroupCommit
{
    private readonly Signal _signal;
    private readonly Upstream _upstream;
    private readonly ForwardMetrics _metrics;
    private readonly SingleResend _resend;
    private readonly int _callsMax;
    private readonly Lock _lock = new();

    // Under the lock.
    private readonly JoinQueue _queue;
    private readonly Stack<JoinedCall> _spare = new();
    private int _calls;

    public GroupCommit(Signal signal, Upstream upstream, SingleResend resend, ForwardOptions options, ForwardMetrics metrics)
    {
        _signal = signal;
        _upstream = upstream;
        _metrics = metrics;
        _resend = resend;
        _callsMax = options.CallsInFlightMax;
        _queue = new JoinQueue(options.CallBytesMax);
    }

    public void Submit(ForwardRequest request)
    {
        JoinedCall? call = null;
        lock (_lock)
        {
            // An agent that leaves after this line finds its request in the queue, or on its way.
            if (request.HasLeft)
            {
                _metrics.Abandoned();
            }
            else if (_calls < _callsMax)
            {
                _calls++;
                call = Spare();
                call.Add(request);
            }
            else
            {
                _queue.Add(request);
                _metrics.Queued(request.Payload.Length);
                return;
            }
        }

        if (call is null)
        {
            request.EndBytes();
        }
        else
        {
            _ = RunAsync(call);
        }
    }

    /// <summary>Takes a request whose agent gave up out of the queue. What is on its way goes on: the upstream may have it, and no other loses its place.</summary>
    public void Unqueue(ForwardRequest request)
    {
        lock (_lock)
        {
            if (!_queue.Remove(request))
            {
                return;
            }
        }

        _metrics.Unqueued(1, request.Payload.Length);
        _metrics.Abandoned();
        request.EndBytes();
    }

    // Holds one call slot until nothing waits any more. Never faults: the upstream always answers.
    private async Task RunAsync(JoinedCall? call)
    {
        var answering = Start(call!);
        while (call is not null)
        {
            var answer = await answering;
            var ended = call;

            // The next call leaves before the ended one's members are told, so that their replies do not delay it.
            call = Next();
            answering = call is null ? default : Start(call);
            End(ended, answer, isLast: call is null);
        }
    }

    private ValueTask<UpstreamAnswer> Start(JoinedCall call) => _upstream.CallAsync(_signal, call.Body, call.Metadata);

    private JoinedCall? Next()
    {
        JoinedCall next;
        lock (_lock)
        {
            if (_queue.IsEmpty)
            {
                _calls--;
                return null;
            }

            next = Spare();
            _queue.Take(next);
        }

        _metrics.Unqueued(next.Count, next.MessageLength);
        return next;
    }

    private void End(JoinedCall call, UpstreamAnswer answer, bool isLast)
    {
        if (call.Count > 1 && FailureKind.MayLieInOneMember(answer))
        {
            _resend.Resend(call.Requests, answer.Reply);
        }
        else
        {
            Reply(call, answer.Reply, isLast);
        }

        call.Clear();
        lock (_lock)
        {
            _spare.Push(call);
        }
    }

    // Agents' code runs here only when one agent waits and this loop has nothing left to do: in front of the next
    // answer it would make the members of that call wait for it.
    private static void Reply(JoinedCall call, ExportReply reply, bool isLast)
    {
        var shared = new SharedReply(reply, call.Count);
        foreach (var request in call.Requests)
        {
            var own = shared.For(request);
            request.EndBytes();
            if (isLast && call.Count == 1)
            {
                request.Reply(own);
            }
            else
            {
                request.ReplyOnPool(own);
            }
        }
    }

    private JoinedCall Spare() => _spare.TryPop(out var call) ? call : new JoinedCall();
}
