namespace OtlpTap.Benchmarks.Cost;

/// <summary>What one request cost in one run.</summary>
/// <param name="Work">Instructions, or microseconds of processor time.</param>
/// <param name="AllocatedBytes">On the managed heap.</param>
internal readonly record struct CostMeasurement(string Build, double Work, double AllocatedBytes);
