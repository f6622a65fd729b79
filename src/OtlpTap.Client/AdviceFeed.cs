using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace OtlpTap.Client;

/// <summary>
/// Keeps an <see cref="AdviceReader"/> up to date: by the tap's stream, and where there is none by asking from time to time. What
/// fails is tried again after a while that doubles and is never the same for two agents.
/// </summary>
internal sealed class AdviceFeed : IDisposable
{
    /// <summary>The tap shows every 15 s that the stream lives.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(40);

    /// <summary>A stream that ends sooner has not worked.</summary>
    private static readonly TimeSpan StreamTimeMin = TimeSpan.FromSeconds(10);

    /// <summary>After so long a tap that had no stream is asked for one again.</summary>
    private static readonly TimeSpan StreamRetry = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan DelayMin = TimeSpan.FromSeconds(0.5);

    private static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;
    private readonly TapClientOptions _options;
    private readonly AdviceReader _reader;
    private readonly TimeProvider _time;
    private readonly ITimer _stale;
    private readonly TaskCompletionSource _firstContact = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Of the loop alone.
    private AdviceIndex _last = AdviceIndex.None;
    private EntityTagHeaderValue? _known;
    private long? _withoutStreamSince;
    private int _failures;

    public AdviceFeed(HttpClient http, TapClientOptions options, AdviceReader reader)
    {
        _http = http;
        _options = options;
        _reader = reader;
        _time = options.Time;
        _stale = _time.CreateTimer(static state => ((AdviceFeed)state!).Forget(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public Task FirstContact => _firstContact.Task;

    public void Dispose() => _stale.Dispose();

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            TimeSpan delay;
            try
            {
                delay = await ContactAsync(stop).ConfigureAwait(false);
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception problem) // the edge of a background loop: whatever it is, it is told and tried again
            {
                _reader.Told(problem.Message);
                delay = Backoff.After(_failures++, DelayMin, DelayMax);
            }

            await Task.Delay(delay, _time, stop).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    /// <returns>When to ask again.</returns>
    private async Task<TimeSpan> ContactAsync(CancellationToken stop)
    {
        if (_options.UseStream && (_withoutStreamSince is not { } since || _time.GetElapsedTime(since) > StreamRetry))
        {
            _withoutStreamSince = null;
            if (await StreamAsync(stop).ConfigureAwait(false) is { } lasted)
            {
                _failures = lasted > StreamTimeMin ? 0 : _failures + 1;
                return Backoff.After(_failures, DelayMin, DelayMax);
            }

            _withoutStreamSince = _time.GetTimestamp();
        }

        await PollAsync(stop).ConfigureAwait(false);
        _failures = 0;
        return Backoff.Around(_options.RefreshInterval);
    }

    /// <summary>Goes on until the stream ends.</summary>
    /// <returns>How long it lasted; null where the tap has none for this client.</returns>
    private async Task<TimeSpan?> StreamAsync(CancellationToken stop)
    {
        using var silence = new CancellationTokenSource(_options.RequestTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, stop);
        using var request = Request("api/v1/advice/stream", "text/event-stream");
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK || response.Content.Headers.ContentType?.MediaType != "text/event-stream")
        {
            return null;
        }

        var started = _time.GetTimestamp();
        using var body = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
        var events = new EventReader(body);
        var hasTold = false;
        try
        {
            while (true)
            {
                silence.CancelAfter(SilenceMax);
                var data = await events.ReadAsync(either.Token).ConfigureAwait(false);
                if (data is { } advice)
                {
                    _last = AdviceParser.Parse(advice);
                    hasTold = true;
                }

                // What other lines come first, such as an event's name, is no advice yet.
                if (hasTold)
                {
                    Heard();
                }
            }
        }
        catch (Exception ended) when (ended is IOException or HttpRequestException || (ended is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return _time.GetElapsedTime(started);
        }
    }

    private async Task PollAsync(CancellationToken stop)
    {
        using var timeout = new CancellationTokenSource(_options.RequestTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        using var request = Request("api/v1/advice", "application/json");
        if (_known is not null)
        {
            request.Headers.IfNoneMatch.Add(_known);
        }

        using var response = await _http.SendAsync(request, either.Token).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.NotModified)
        {
            if (!response.IsSuccessStatusCode)
            {
                throw new HttpRequestException(string.Create(CultureInfo.InvariantCulture, $"{request.RequestUri} answered {(int)response.StatusCode}"));
            }

            _last = AdviceParser.Parse(await response.Content.ReadAsByteArrayAsync(either.Token).ConfigureAwait(false));
            _known = response.Headers.ETag;
        }

        Heard();
    }

    private HttpRequestMessage Request(string path, string accept)
    {
        var query = $"?service={Uri.EscapeDataString(_options.Service ?? "")}&agent={Uri.EscapeDataString(_options.Agent ?? "")}";
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(TapClientOptions.Directory(_options.AdminEndpoint), path + query));
        request.Headers.Accept.ParseAdd(accept);
        if (_options.Token is { } token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        return request;
    }

    private void Heard()
    {
        _reader.Publish(_last);
        _reader.Told(null);
        _stale.Change(_options.StaleAfter, Timeout.InfiniteTimeSpan);
        _firstContact.TrySetResult();
    }

    // Until the tap is heard again.
    private void Forget() => _reader.Publish(AdviceIndex.None);
}
