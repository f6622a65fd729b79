namespace OtlpTap.Client;

/// <summary>
/// An agent's way to its tap: advice, users' feedback. One for the process, for as long as it runs; it works in the background
/// from the moment it is made, and nothing of it fails where there is no tap. Any thread.
/// <code>
///   await using var tap = new TapClient(new TapClientOptions { Service = "shop", Agent = "planner" });
///   var tool = tap.Advice.TryGet("reroute", "search", out var advice) ? advice["fallback_tool"] : "search";
/// </code>
/// </summary>
public sealed class TapClient : IAsyncDisposable, IDisposable
{
    /// <summary>How long <see cref="DisposeAsync"/> tries to send the feedback that waits.</summary>
    public static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan StaleAfterMin = TimeSpan.FromSeconds(20);

    private const int AnswerBytesMax = 4 << 20;

    private readonly TapClientOptions _options;
    private readonly HttpClient _http;
    private readonly FeedbackPost _post;
    private readonly AdviceFeed _feed;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _feeding;
    private readonly Task _sending;
    private int _isDisposed;

    /// <summary>Begins to ask the tap.</summary>
    /// <exception cref="ArgumentException">An endpoint is no http or https address, or a time or number is not above 0.</exception>
    public TapClient(TapClientOptions? options = null)
    {
        _options = options ?? new TapClientOptions();
        Check(_options);

        // Without a propagator the handler makes no activities: what a client asks in the background is no part of a run.
        _http = new HttpClient(_options.Handler ?? new SocketsHttpHandler { ActivityHeadersPropagator = null }, disposeHandler: _options.Handler is null)
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = AnswerBytesMax,
        };
        _post = new FeedbackPost(_http, _options);
        Feedback = new FeedbackSender(_post, _options);
        _feed = new AdviceFeed(_http, _options, Advice);

        // They belong to no run, whichever happens to make the client.
        using (ExecutionContext.SuppressFlow())
        {
            _feeding = Task.Run(() => _feed.RunAsync(_stopping.Token));
            _sending = Task.Run(() => Feedback.RunAsync(_stopping.Token));
        }
    }

    /// <summary>What the tap advises now.</summary>
    public AdviceReader Advice { get; } = new();

    /// <summary>Feedback to be sent in the background.</summary>
    public FeedbackSender Feedback { get; }

    /// <summary>Ends when the tap was reached for the first time. Nothing needs to wait for it, but for tests and programs that live for seconds.</summary>
    public Task ReadyAsync(CancellationToken cancellation = default) => _feed.FirstContact.WaitAsync(cancellation);

    /// <summary>Sends feedback now.</summary>
    /// <returns>Its id: with it the same can be sent again without being counted twice.</returns>
    /// <exception cref="FeedbackException">The tap did not take it, or cannot be reached.</exception>
    /// <exception cref="ArgumentException">It cannot be written as JSON: a number that is none.</exception>
    public async Task<string> SendFeedbackAsync(UserFeedback feedback, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        await _post.SendAsync(FeedbackJson.Of(feedback), cancellation).ConfigureAwait(false);
        return feedback.Id;
    }

    /// <summary>Sends the feedback that waits, for at most <see cref="FlushTime"/>, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        Feedback.Close();
        await Task.WhenAny(_sending, Task.Delay(FlushTime, _options.Time)).ConfigureAwait(false);
        Dispose();
        await Task.WhenAll(_feeding, _sending).ConfigureAwait(false);
    }

    /// <summary>Ends at once; feedback that waits is dropped.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 1)
        {
            return;
        }

        Feedback.Close();
        _stopping.Cancel();
        Task.WhenAll(_feeding, _sending).ContinueWith(_ => End(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void End()
    {
        _feed.Dispose();
        _http.Dispose();
        Advice.Publish(AdviceIndex.None);
    }

    private static void Check(TapClientOptions options)
    {
        CheckEndpoint(options.AdminEndpoint, nameof(options.AdminEndpoint));
        CheckEndpoint(options.FeedbackEndpoint, nameof(options.FeedbackEndpoint));
        foreach (var (time, name) in new[] { (options.RefreshInterval, nameof(options.RefreshInterval)), (options.StaleAfter, nameof(options.StaleAfter)), (options.RequestTimeout, nameof(options.RequestTimeout)) })
        {
            if (time <= TimeSpan.Zero)
            {
                throw new ArgumentException($"{name} must be above 0, and is {time}", nameof(options));
            }
        }

        if (options.UseStream && options.StaleAfter < StaleAfterMin)
        {
            throw new ArgumentException($"{nameof(options.StaleAfter)} must be at least {StaleAfterMin}: a stream in which nothing changes says so every 15 s", nameof(options));
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.FeedbackQueueMax, nameof(options));
    }

    private static void CheckEndpoint(Uri endpoint, string name)
    {
        if (endpoint is not { IsAbsoluteUri: true, Scheme: "http" or "https" })
        {
            throw new ArgumentException($"{name} must be an address as http://127.0.0.1:8888, and is {endpoint}", name);
        }
    }
}
