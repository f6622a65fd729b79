namespace OtlpTap.Tests.Forward;

/// <summary>Draws the same each time.</summary>
internal sealed class FixedRandom(double value) : Random
{
    public override double NextDouble() => value;
}
