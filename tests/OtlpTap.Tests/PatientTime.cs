using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests;

/// <summary>
/// A clock that a test moves on while something waits for a time to come, and that stands while something real has a
/// deadline by it: a call over a socket takes as long as the machine lets it, and must not be late by a clock that runs on.
/// </summary>
internal sealed class PatientTime(DateTimeOffset start) : FakeTimeProvider(start)
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<DeadlineTimer, bool> _deadlines = [];

    /// <summary>A token source counts down to the end of what is under way.</summary>
    public bool HasDeadline => !_deadlines.IsEmpty;

    /// <summary>In small steps, for waits begin when another thread comes to them.</summary>
    public Task PassUntilAsync(Func<bool> holds, string what) => Deadline.UntilAsync(
        () =>
        {
            if (holds())
            {
                return true;
            }

            if (!HasDeadline)
            {
                Advance(Step);
            }

            return false;
        },
        what);

    /// <summary>Token sources are told from <c>Task.Delay</c> by what they hand to their callback: themselves.</summary>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        state is CancellationTokenSource ? new DeadlineTimer(this, callback, state, dueTime, period) : base.CreateTimer(callback, state, dueTime, period);

    private ITimer CreateOrdinaryTimer(TimerCallback callback, object state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, dueTime, period);

    private sealed class DeadlineTimer : ITimer
    {
        private readonly PatientTime _time;
        private readonly ITimer _timer;

        public DeadlineTimer(PatientTime time, TimerCallback callback, object state, TimeSpan dueTime, TimeSpan period)
        {
            _time = time;
            Note(dueTime);
            _timer = time.CreateOrdinaryTimer(
                passed =>
                {
                    time._deadlines.TryRemove(this, out _);
                    callback(passed);
                },
                state,
                dueTime,
                period);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Note(dueTime);
            return _timer.Change(dueTime, period);
        }

        public void Dispose()
        {
            _time._deadlines.TryRemove(this, out _);
            _timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            _time._deadlines.TryRemove(this, out _);
            return _timer.DisposeAsync();
        }

        private void Note(TimeSpan dueTime)
        {
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                _time._deadlines.TryRemove(this, out _);
            }
            else
            {
                _time._deadlines[this] = true;
            }
        }
    }
}
