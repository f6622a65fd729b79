namespace OtlpTap.Advice;

/// <summary>How long a policy's condition must hold or not hold until something changes.</summary>
internal sealed record HysteresisOptions
{
    /// <summary><c>for</c>: so long without a break until advice is given. Default 0; to 1 h.</summary>
    public TimeSpan For { get; init; }

    /// <summary><c>cool_down</c>: the condition must not have held for so long until advice is withdrawn, and for as long again until it counts as over. Default 60 s; 1 s to 24 h.</summary>
    public TimeSpan CoolDown { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary><c>max_cool_down</c>: to what the cool-down grows while every withdrawal proves to be too early. Default 15 min; from <see cref="CoolDown"/> to 24 h.</summary>
    public TimeSpan CoolDownMax { get; init; } = TimeSpan.FromMinutes(15);
}

internal enum HysteresisStep : byte
{
    None,
    Raise,

    /// <summary>It was to be raised and may not; told once for each time.</summary>
    Refuse,
    Withdraw,
}

/// <summary>
/// One policy at one scope, as a circuit breaker:
/// <code>
///             holds                    held for `for`                not held for the cool-down
///   Quiet ------------> Pending -------------------------> Active ------------------------------> Trial
///     ^     does not       |                                  ^      holds: at once, and the        |  |
///     |<-------------------'                                  '-------- cool-down doubles ----------'  |
///     '------------------------------- not held for the cool-down again ------------------------------'
/// </code>
/// Who follows advice no longer does what it warns of, so that nobody knows whether it would work again. That is what a trial
/// finds out; one that fails makes the next one wait twice as long, up to a bound.
/// </summary>
internal sealed class Hysteresis
{
    private enum Phase : byte
    {
        Quiet,
        Pending,
        Active,
        Trial,
    }

    private Phase _phase;

    // Pending: when it began. Active: when the condition held last. Trial: when it began.
    private TimeSpan _since;
    private TimeSpan _coolDown;
    private bool _isRefused;

    /// <summary>Nothing to remember.</summary>
    public bool IsQuiet => _phase == Phase.Quiet;

    /// <param name="holds">Whether the condition does.</param>
    /// <param name="now">Since any fixed moment; never goes back.</param>
    /// <param name="mayRaise">False: there is no room for more advice.</param>
    public HysteresisStep Look(HysteresisOptions options, bool holds, TimeSpan now, bool mayRaise) => _phase switch
    {
        Phase.Active => LookActive(holds, now),
        Phase.Trial => LookTrial(options, holds, now, mayRaise),
        _ => LookQuiet(options, holds, now, mayRaise),
    };

    private HysteresisStep LookQuiet(HysteresisOptions options, bool holds, TimeSpan now, bool mayRaise)
    {
        if (!holds)
        {
            (_phase, _isRefused) = (Phase.Quiet, false);
            return HysteresisStep.None;
        }

        if (_phase == Phase.Quiet)
        {
            (_phase, _since) = (Phase.Pending, now);
        }

        return now - _since >= options.For ? Raise(options.CoolDown, now, mayRaise) : HysteresisStep.None;
    }

    private HysteresisStep LookActive(bool holds, TimeSpan now)
    {
        if (holds)
        {
            _since = now;
        }
        else if (now - _since >= _coolDown)
        {
            (_phase, _since) = (Phase.Trial, now);
            return HysteresisStep.Withdraw;
        }

        return HysteresisStep.None;
    }

    private HysteresisStep LookTrial(HysteresisOptions options, bool holds, TimeSpan now, bool mayRaise)
    {
        if (holds)
        {
            return Raise(_coolDown * 2 < options.CoolDownMax ? _coolDown * 2 : options.CoolDownMax, now, mayRaise);
        }

        if (now - _since >= _coolDown)
        {
            (_phase, _isRefused) = (Phase.Quiet, false);
        }

        return HysteresisStep.None;
    }

    private HysteresisStep Raise(TimeSpan coolDown, TimeSpan now, bool mayRaise)
    {
        if (!mayRaise)
        {
            var isTold = _isRefused;
            _isRefused = true;
            return isTold ? HysteresisStep.None : HysteresisStep.Refuse;
        }

        (_phase, _since, _coolDown, _isRefused) = (Phase.Active, now, coolDown, false);
        return HysteresisStep.Raise;
    }
}
