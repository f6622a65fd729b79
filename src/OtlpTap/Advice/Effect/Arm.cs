namespace OtlpTap.Advice.Effect;

/// <summary>The sides of the comparisons that a run can be on.</summary>
internal enum Arm : byte
{
    /// <summary>It came to what advice was about, was not held out, and followed the advice as a fallback span tells.</summary>
    Fallback,

    /// <summary>The same without such a span.</summary>
    Advised,

    /// <summary>It came to what advice was about, and chance had decided that it was to go without.</summary>
    HeldOut,

    /// <summary>It began while advice was in force for its agent and was not held out, whether or not it came to what the advice is about.</summary>
    AllAdvised,

    /// <summary>The same, held out.</summary>
    AllHeldOut,

    /// <summary>It took a fallback of its own; no advice concerned it.</summary>
    Own,

    /// <summary>It was in the same situation, and took none; no advice concerned it.</summary>
    Similar,
}

internal static class Arms
{
    public const int Count = 7;

    /// <summary>As in metrics and the report.</summary>
    public static string Name(this Arm arm) => arm switch
    {
        Arm.Fallback => "fallback",
        Arm.Advised => "advised",
        Arm.HeldOut => "held_out",
        Arm.AllAdvised => "all_advised",
        Arm.AllHeldOut => "all_held_out",
        Arm.Own => "own",
        _ => "similar",
    };
}
