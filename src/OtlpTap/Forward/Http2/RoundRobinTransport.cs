using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// Calls to an upstream behind whose name there may be several hosts: they take turns over the addresses that have a
/// connection. A name with one address costs a call one look.
/// <code>
///   name --resolved, now and then--> places: one for each address, or one for the name as a whole
///   place: connecting --> ready --connection lost--> connecting ...     tried again in the background, ever less often
///                    calls go here
///   address gone from the name --> leaving: takes no more calls, closed when those in flight have ended
/// </code>
/// A call whose place could not be connected to goes to the next one; of a call that may have been sent, never.
/// </summary>
internal sealed class RoundRobinTransport : IUpstreamTransport
{
    /// <summary>Bounds the connections that a name can make the tap open.</summary>
    public const int AddressesMax = 64;

    /// <summary>After a failed connect the name is resolved at most so often.</summary>
    public static readonly TimeSpan ResolvePause = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ResolveTimeout = TimeSpan.FromSeconds(5);

    private readonly UpstreamOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<Http2Transport> _logger;
    private readonly ClientTls _tls;
    private readonly RequestHeaderBlocks _headers;
    private readonly CancellationTokenSource _lifetime = new();
    private readonly ITimer _resolveTimer;

    // Taken by what a connection tells while it holds its transport's gate: so nothing of a transport is called with it held.
    private readonly Lock _lock = new();

    // Under the lock.
    private readonly List<AddressPlace> _places = [];
    private readonly List<AddressPlace> _leaving = [];
    private Task _resolving = Task.CompletedTask;
    private long _resolvedAt;
    private bool _isNameFailing;
    private bool _isDisposed;

    // Written under the lock, read by every call without it.
    private volatile Http2Transport? _only;
    private volatile AddressPlace[] _ready = [];
    private int _turn;

    public RoundRobinTransport(UpstreamOptions options, TimeProvider time, ILogger<Http2Transport> logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _tls = new ClientTls(options, time, logger);
        _headers = new RequestHeaderBlocks(options, ClientCredential.Create(options.Auth, time, logger));
        _places.Add(CreatePlace(null));
        Publish();
        _resolveTimer = time.CreateTimer(static state => ((RoundRobinTransport)state!).ResolveNow(), this, options.ResolveInterval, options.ResolveInterval);
        ResolveNow();
    }

    /// <summary>The addresses that calls go to now; one place stands for the name as a whole.</summary>
    internal int ReadyCount => _ready.Length;

    /// <summary>How many addresses the name has; 1 also where it was not resolved yet.</summary>
    internal int PlaceCount
    {
        get
        {
            lock (_lock)
            {
                return _places.Count;
            }
        }
    }

    public ValueTask<UpstreamAnswer> CallAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation) =>
        _only is { } only ? only.CallAsync(signal, body, metadata, cancellation) : SpreadAsync(signal, body, metadata, cancellation);

    public ValueTask<UpstreamAnswer?> ProbeAsync(CancellationToken cancellation) =>
        _only is { } only ? only.ProbeAsync(cancellation)
        : _ready.Length > 0 ? default
        : ConnectAnyAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        AddressPlace[] all;
        Task resolving;
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            all = [.. _places, .. _leaving];
            resolving = _resolving;
        }

        await _lifetime.CancelAsync();
        await _resolveTimer.DisposeAsync();
        await resolving;
        foreach (var place in all)
        {
            await place.DisposeAsync();
        }

        _lifetime.Dispose();
    }

    // For places, with their transports' gates held.

    internal void Connected(AddressPlace place)
    {
        lock (_lock)
        {
            place.IsReady = true;
            place.Failures = 0;
            Publish();
            if (_places.Count > 1)
            {
                _logger.AddressReady(_options.Endpoint, place.Name);
            }
        }
    }

    internal void Failed(AddressPlace place, string cause)
    {
        lock (_lock)
        {
            place.IsReady = false;
            place.Failures++;
            Publish();
            if (_isDisposed || _places.Count == 1 || !_places.Contains(place))
            {
                return;
            }

            if (place.Failures == 1)
            {
                _logger.AddressEjected(_options.Endpoint, place.Name, cause);
            }

            place.ConnectAfter(Backoff(place.Failures));
            ResolveSoon();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<UpstreamAnswer> SpreadAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation)
    {
        for (var attempts = 1; ; attempts++)
        {
            var ready = _ready;
            if (ready.Length == 0)
            {
                if (await ConnectAnyAsync(cancellation) is { } failure)
                {
                    return failure;
                }

                ready = _ready;
            }

            // None again: it came and went. The call then meets the name as a whole, or whoever is there.
            var place = ready.Length > 0 ? ready[(uint)Interlocked.Increment(ref _turn) % (uint)ready.Length] : First();
            var answer = await place.Transport.CallAsync(signal, body, metadata, cancellation);
            if (answer.Outcome != UpstreamOutcome.ConnectFailed || attempts > AddressesMax)
            {
                return answer;
            }
        }
    }

    /// <summary>Null as soon as any address can be connected to; else why the last one cannot.</summary>
    private async ValueTask<UpstreamAnswer?> ConnectAnyAsync(CancellationToken cancellation)
    {
        AddressPlace[] places;
        lock (_lock)
        {
            places = [.. _places];
        }

        UpstreamAnswer? failure = null;
        var attempts = places.Select(place => place.Transport.ProbeAsync(cancellation).AsTask()).ToList();
        while (attempts.Count > 0)
        {
            var ended = await Task.WhenAny(attempts);
            attempts.Remove(ended);
            failure = await ended;
            if (failure is null)
            {
                break;
            }
        }

        return failure;
    }

    private AddressPlace First()
    {
        lock (_lock)
        {
            return _places[0];
        }
    }

    private void ResolveNow()
    {
        lock (_lock)
        {
            if (!_isDisposed && _resolving.IsCompleted)
            {
                _resolvedAt = _time.GetTimestamp();
                _resolving = Task.Run(ResolveAsync);
            }
        }
    }

    private void ResolveSoon()
    {
        var due = ResolvePause - _time.GetElapsedTime(_resolvedAt);
        if (_resolving.IsCompleted)
        {
            _resolveTimer.Change(due > TimeSpan.FromMilliseconds(1) ? due : TimeSpan.FromMilliseconds(1), _options.ResolveInterval);
        }
    }

    private async Task ResolveAsync()
    {
        try
        {
            var addresses = await _options.Resolve(_options.Endpoint.Host, _lifetime.Token).WaitAsync(ResolveTimeout, _time, _lifetime.Token);
            _isNameFailing = false;
            Take(addresses);
        }
        catch (Exception exception) when (exception is SocketException or TimeoutException)
        {
            if (!_isNameFailing)
            {
                _isNameFailing = true;
                _logger.NameUnresolved(_options.Endpoint, exception.Message);
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (Exception exception)
        {
            // The edge of a background task: what is known stays in use.
            _logger.ResolvingFaulted(_options.Endpoint, exception);
        }

        await CloseLeftAsync();
    }

    private void Take(IPAddress[] addresses)
    {
        AddressPlace[] added;
        lock (_lock)
        {
            if (_isDisposed || addresses.Length == 0)
            {
                return;
            }

            IPAddress?[] wanted = SeveralHosts.AreBehind(_options.Endpoint.Host, addresses) ? [.. addresses.Distinct().Take(AddressesMax)] : [null];
            var gone = _places.Where(place => !wanted.Contains(place.Address)).ToArray();
            added = [.. wanted.Where(address => !_places.Exists(place => Equals(place.Address, address))).Select(CreatePlace)];
            if (gone.Length == 0 && added.Length == 0)
            {
                return;
            }

            _places.RemoveAll(gone.Contains);
            _leaving.AddRange(gone);
            _places.AddRange(added);
            Publish();
            _logger.AddressesChanged(_options.Endpoint, wanted.Length);
            if (_places.Count == 1)
            {
                return;
            }
        }

        foreach (var place in added)
        {
            place.Connect();
        }
    }

    private async Task CloseLeftAsync()
    {
        AddressPlace[] idle;
        lock (_lock)
        {
            var ready = _ready;
            idle = [.. _leaving.Where(place => !ready.Contains(place) && place.Transport != _only)];
        }

        foreach (var place in idle.Where(place => place.Transport.IsIdle))
        {
            lock (_lock)
            {
                _leaving.Remove(place);
            }

            await place.DisposeAsync();
        }
    }

    // Until the new ones have a connection, those that are no longer named serve.
    private void Publish()
    {
        _only = _places.Count == 1 ? _places[0].Transport : null;
        var ready = _places.Where(place => place.IsReady).ToArray();
        _ready = ready.Length > 0 ? ready : [.. _leaving.Where(place => place.IsReady)];
    }

    private TimeSpan Backoff(int failures)
    {
        var doubled = _options.ReconnectBackoff * Math.Pow(2, Math.Min(failures - 1, 16));
        return doubled < _options.ReconnectBackoffMax ? doubled : _options.ReconnectBackoffMax;
    }

    private AddressPlace CreatePlace(IPAddress? address) => new(this, address, _options with { Address = address }, _tls, _headers, _time, _logger, _lifetime.Token);
}
