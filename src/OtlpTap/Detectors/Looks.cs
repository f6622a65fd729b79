namespace OtlpTap.Detectors;

/// <summary>How much may be looked at where each finding is held against all others. Counted and not timed, so that the same run always comes out the same.</summary>
internal sealed class Looks(int max)
{
    private int _left = max;

    public bool IsOver => _left <= 0;

    /// <summary>False when all are used up.</summary>
    public bool TryTake() => _left > 0 && --_left > 0;
}
