using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace OtlpTap.Hosting;

/// <summary>
/// Ends a connection that has got old, so that agents behind a load balancer spread over taps that were added: it is told
/// to go away (GOAWAY; <c>Connection: close</c> in HTTP/1.1), its requests are answered, and after the grace it is cut off.
/// </summary>
internal sealed class ConnectionAge : IDisposable
{
    /// <summary>Give or take a tenth, as gRPC does it: connections of one moment do not come back in one moment.</summary>
    private const double Jitter = 0.1;

    private readonly ConnectionContext _connection;
    private readonly TimeSpan? _grace;
    private readonly ITimer _timer;
    private bool _isTold; // by the timer alone

    public ConnectionAge(ConnectionContext connection, TimeSpan age, TimeSpan? grace, TimeProvider time)
    {
        _connection = connection;
        _grace = grace;

        // Started when it is assigned: the callback needs it.
        _timer = time.CreateTimer(static state => ((ConnectionAge)state!).OnTime(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(age * (1 - Jitter + (2 * Jitter * Random.Shared.NextDouble())), Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    private void OnTime()
    {
        if (_isTold)
        {
            _connection.Abort(new ConnectionAbortedException("The connection is past its max_connection_age_grace."));
            return;
        }

        _isTold = true;
        _connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        if (_grace is { } grace)
        {
            _timer.Change(grace, Timeout.InfiniteTimeSpan);
        }
    }
}
