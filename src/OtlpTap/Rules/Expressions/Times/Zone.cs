namespace OtlpTap.Rules.Expressions.Times;

/// <summary>The time of a place: which offset from UTC it has when, and how that is called.</summary>
internal abstract class Zone
{
    public static readonly Zone Utc = new FixedZone("UTC", 0);

    public abstract ZoneOffset At(long unixSeconds);

    /// <summary>The offset that goes by this name in the zone, at this time or else at any.</summary>
    public virtual bool TryFindOffset(string name, long unixSeconds, out int offsetSeconds)
    {
        var offset = At(unixSeconds);
        offsetSeconds = offset.OffsetSeconds;
        return offset.Name == name;
    }

    /// <summary>The offset when clocks in the zone show this time: at a change of the clocks, one of the two.</summary>
    public int OffsetOfLocal(long localSeconds)
    {
        var offset = At(localSeconds).OffsetSeconds;
        return offset == 0 ? 0 : At(localSeconds - offset).OffsetSeconds;
    }
}

internal readonly record struct ZoneOffset(string Name, int OffsetSeconds);

/// <summary>An offset that holds always, such as one written behind a time.</summary>
internal sealed class FixedZone(string name, int offsetSeconds) : Zone
{
    public override ZoneOffset At(long unixSeconds) => new(name, offsetSeconds);
}
