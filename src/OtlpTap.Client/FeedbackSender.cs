using System.Net;
using System.Threading.Channels;

namespace OtlpTap.Client;

/// <summary>
/// Feedback that is sent in the background: adding it never waits and never throws. What the tap cannot take now is tried again
/// for <see cref="TapClientOptions.FeedbackRetryFor"/>; what does not fit into the queue is dropped. Both are counted. Any thread.
/// </summary>
public sealed class FeedbackSender
{
    private const int ItemBytesMax = 16 << 10;
    private const int BatchMax = 32;

    private static readonly TimeSpan DelayMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(60);

    private readonly Channel<byte[]> _waiting;
    private readonly FeedbackPost _post;
    private readonly TapClientOptions _options;
    private long _added;
    private long _sent;
    private long _dropped;
    private volatile string? _problem;

    internal FeedbackSender(FeedbackPost post, TapClientOptions options)
    {
        _post = post;
        _options = options;
        _waiting = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(options.FeedbackQueueMax) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    }

    /// <summary>How many the tap has taken.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>How many were dropped: the queue was full, the tap refused them, or could not be reached for too long.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>How many wait to be sent.</summary>
    public long Waiting => Interlocked.Read(ref _added) - Sent - Dropped;

    /// <summary>Why feedback was not taken when it was tried last; null where it was.</summary>
    public string? Problem => _problem;

    /// <summary>The user liked it.</summary>
    /// <param name="traceId">The trace of the answer, 32 hexadecimal digits.</param>
    /// <param name="comment">In the user's words.</param>
    public bool ThumbsUp(string traceId, string? comment = null) => TryAdd(new UserFeedback { TraceId = traceId, Thumbs = Thumbs.Up, Comment = comment });

    /// <inheritdoc cref="ThumbsUp"/>
    /// <summary>The user did not like it.</summary>
    public bool ThumbsDown(string traceId, string? comment = null) => TryAdd(new UserFeedback { TraceId = traceId, Thumbs = Thumbs.Down, Comment = comment });

    /// <inheritdoc cref="ThumbsUp"/>
    /// <summary>The user gave stars.</summary>
    /// <param name="traceId">The trace of the answer, 32 hexadecimal digits.</param>
    /// <param name="stars">1 to 5.</param>
    /// <param name="comment">In the user's words.</param>
    public bool Stars(string traceId, int stars, string? comment = null) => TryAdd(new UserFeedback { TraceId = traceId, Stars = stars, Comment = comment });

    /// <summary>False where it was dropped: the queue is full or closed, or the feedback is longer than 16 KiB or no JSON (a score that is no number, half of a surrogate pair).</summary>
    public bool TryAdd(UserFeedback feedback)
    {
        Interlocked.Increment(ref _added);
        if (TryWrite(feedback, out var json) && _waiting.Writer.TryWrite(json))
        {
            return true;
        }

        Interlocked.Increment(ref _dropped);
        return false;
    }

    /// <summary>Sends until the queue is closed and empty.</summary>
    internal async Task RunAsync(CancellationToken stop)
    {
        var batch = new List<byte[]>();
        try
        {
            while (await _waiting.Reader.WaitToReadAsync(stop).ConfigureAwait(false))
            {
                while (batch.Count < BatchMax && _waiting.Reader.TryRead(out var json))
                {
                    batch.Add(json);
                }

                await SendAsync(batch, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Interlocked.Add(ref _dropped, batch.Count);
        }

        while (_waiting.Reader.TryRead(out _))
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    internal void Close() => _waiting.Writer.TryComplete();

    private static bool TryWrite(UserFeedback feedback, out byte[] json)
    {
        try
        {
            json = FeedbackJson.Of(feedback);
            return json.Length <= ItemBytesMax;
        }
        catch (ArgumentException)
        {
            json = [];
            return false;
        }
    }

    private async Task SendAsync(List<byte[]> batch, CancellationToken stop)
    {
        var refusal = await TrySendAsync(batch.Count == 1 ? batch[0] : FeedbackJson.Array(batch), stop).ConfigureAwait(false);
        if (batch.Count == 1 || refusal is not { Status: HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge })
        {
            Settle(batch, batch.Count, refusal);
            return;
        }

        // One of them is wrong: the others shall not go with it.
        while (batch.Count > 0)
        {
            Settle(batch, 1, await TrySendAsync(batch[0], stop).ConfigureAwait(false));
        }
    }

    private void Settle(List<byte[]> batch, int count, FeedbackException? refusal)
    {
        Interlocked.Add(ref refusal is null ? ref _sent : ref _dropped, count);
        batch.RemoveRange(0, count);
    }

    /// <returns>Null when it was taken; otherwise why not, after it has been tried for as long as it makes sense.</returns>
    private async Task<FeedbackException?> TrySendAsync(byte[] json, CancellationToken stop)
    {
        var started = _options.Time.GetTimestamp();
        for (var failures = 0; ; failures++)
        {
            try
            {
                await _post.SendAsync(json, stop).ConfigureAwait(false);
                _problem = null;
                return null;
            }
            catch (FeedbackException problem)
            {
                _problem = problem.Message;
                var delay = Backoff.After(failures, DelayMin, DelayMax);
                delay = problem.RetryAfter is { } asked && asked > delay && asked <= DelayMax ? asked : delay;
                if (!problem.IsTransient || _options.Time.GetElapsedTime(started) + delay > _options.FeedbackRetryFor)
                {
                    return problem;
                }

                await Task.Delay(delay, _options.Time, stop).ConfigureAwait(false);
            }
        }
    }
}
