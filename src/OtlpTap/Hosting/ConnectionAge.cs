using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace OtlpTap.Hosting;

/// <summary>
/// Ends a connection that has got old, so that agents behind a load balancer spread over taps that were added: it is told
/// to go away (GOAWAY; <c>Connection: close</c> in HTTP/1.1), its requests are answered, and after the grace it is cut off.
/// It is told while it has a request, whose answer comes behind the word: an idle one closes at once, and a request that
/// is on its way to it at that moment would be lost. Only one that stays idle is told so.
/// </summary>
internal sealed class ConnectionAge : IDisposable
{
    /// <summary>Give or take a tenth, as gRPC does it: connections of one moment do not come back in one moment.</summary>
    private const double Jitter = 0.1;

    /// <summary>How long a connection that is old enough is waited for to have a request.</summary>
    private static readonly TimeSpan IdleMax = TimeSpan.FromSeconds(5);

    private readonly ConnectionContext _connection;
    private readonly TimeSpan? _grace;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private State _state;
    private int _requests;

    public ConnectionAge(ConnectionContext connection, TimeSpan age, TimeSpan? grace, TimeProvider time)
    {
        _connection = connection;
        _grace = grace;
        connection.Features.Set(this);

        // Started when it is assigned: the callback needs it.
        _timer = time.CreateTimer(static state => ((ConnectionAge)state!).OnTime(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(age * (1 - Jitter + (2 * Jitter * Random.Shared.NextDouble())), Timeout.InfiniteTimeSpan);
    }

    private enum State
    {
        Young,

        /// <summary>Old, and waited for to have a request.</summary>
        Due,
        Told,
    }

    /// <summary>A handler that tells the age of its connection about each request.</summary>
    public static RequestDelegate Watched(RequestDelegate next) => async http =>
    {
        var age = http.Features.Get<ConnectionAge>();
        age?.Begin();
        try
        {
            await next(http);
        }
        finally
        {
            age?.End();
        }
    };

    public void Dispose() => _timer.Dispose();

    private void Begin()
    {
        lock (_lock)
        {
            _requests++;
            if (_state == State.Due)
            {
                Tell();
            }
        }
    }

    private void End()
    {
        lock (_lock)
        {
            _requests--;
        }
    }

    private void OnTime()
    {
        lock (_lock)
        {
            if (_state == State.Told)
            {
                _connection.Abort(new ConnectionAbortedException("The connection is past its max_connection_age_grace."));
            }
            else if (_state == State.Due || _requests > 0)
            {
                Tell();
            }
            else
            {
                _state = State.Due;
                _timer.Change(IdleMax, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void Tell()
    {
        _state = State.Told;
        _timer.Change(_grace ?? Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
    }
}
