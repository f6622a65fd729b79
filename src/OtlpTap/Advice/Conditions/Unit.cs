using OtlpTap.Health;

namespace OtlpTap.Advice.Conditions;

/// <summary>What a number counts, so that a condition compares like with like.</summary>
internal enum Unit : byte
{
    /// <summary>A number as it is written: fits all.</summary>
    Any,
    Count,

    /// <summary>0 to 1, also written as a percentage.</summary>
    Ratio,

    /// <summary>Also written as a duration.</summary>
    Seconds,

    /// <summary>Of an evaluator, on whatever scale it has.</summary>
    Score,
}

internal static class Units
{
    public static Unit Of(in HealthValue value) => value.Measure switch
    {
        HealthMeasure.ErrorRatio or HealthMeasure.NegativeRatio => Unit.Ratio,
        HealthMeasure.Latency => Unit.Seconds,
        HealthMeasure.Mean => Unit.Score,
        _ => Unit.Count,
    };

    public static string Name(Unit unit) => unit switch
    {
        Unit.Count => "a count",
        Unit.Ratio => "a ratio",
        Unit.Seconds => "a duration",
        Unit.Score => "a score",
        _ => "a number",
    };
}
