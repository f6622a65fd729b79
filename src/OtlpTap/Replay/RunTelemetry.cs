using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;

namespace OtlpTap.Replay;

/// <summary>What one run has sent so far, and whether it looks whole.</summary>
internal sealed class RunTelemetry(ReplayRun run, TimeProvider time, long bytesMax)
{
    private readonly Lock _lock = new();
    private readonly string _parentId = run.ParentId.ToString();

    // Under the lock.
    private readonly List<(Signal, byte[])> _payloads = [];
    private readonly HashSet<string> _spans = [];
    private readonly HashSet<string> _parents = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _hasRoot;
    private long _bytes;
    private long _lastAt;

    public ReplayRun Run => run;

    public IReadOnlyList<(Signal Signal, byte[] Request)> Payloads
    {
        get
        {
            lock (_lock)
            {
                return [.. _payloads];
            }
        }
    }

    public bool HasSpans
    {
        get
        {
            lock (_lock)
            {
                return _spans.Count > 0;
            }
        }
    }

    /// <summary>Something was beyond the bound and left out.</summary>
    public bool IsCut { get; private set; }

    public void Add(Signal signal, byte[] request, IEnumerable<Span> spans)
    {
        lock (_lock)
        {
            if (_bytes + request.Length > bytesMax)
            {
                IsCut = true;
                return;
            }

            _bytes += request.Length;
            _payloads.Add((signal, request));
            foreach (var span in spans)
            {
                _spans.Add(Convert.ToHexStringLower(span.SpanId.Span));
                var parent = Convert.ToHexStringLower(span.ParentSpanId.Span);
                _hasRoot |= parent.Length == 0 || parent == _parentId;
                if (parent.Length > 0 && parent != _parentId)
                {
                    _parents.Add(parent);
                }
            }

            _lastAt = time.GetTimestamp();
            _changed.TrySetResult();
        }
    }

    /// <summary>
    /// Returns when nothing is missing (a root is there and every parent) and it has been quiet for <paramref name="quiet"/>,
    /// or after <paramref name="within"/>, whatever is there then.
    /// </summary>
    public async Task SettleAsync(TimeSpan quiet, TimeSpan within, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        while (time.GetElapsedTime(start) is var elapsed && elapsed < within)
        {
            TimeSpan wait;
            Task changed;
            lock (_lock)
            {
                wait = within - elapsed;
                if (_hasRoot && _parents.IsSubsetOf(_spans))
                {
                    // Quiet counts from the agent's answer at the earliest: what it sends at its end is on its way.
                    var since = time.GetElapsedTime(Math.Max(_lastAt, start));
                    if (since >= quiet)
                    {
                        return;
                    }

                    wait = quiet - since < wait ? quiet - since : wait;
                }

                if (_changed.Task.IsCompleted)
                {
                    _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }

                changed = _changed.Task;
            }

            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            await Task.WhenAny(changed, Task.Delay(wait, time, waiting.Token));
            await waiting.CancelAsync();
            cancellation.ThrowIfCancellationRequested();
        }
    }
}
