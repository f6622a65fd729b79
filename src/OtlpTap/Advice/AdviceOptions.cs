using System.Collections.Immutable;
using OtlpTap.Advice.Effect;

namespace OtlpTap.Advice;

/// <summary><c>processors.tap.advice</c>.</summary>
internal sealed record AdviceOptions
{
    /// <summary><c>holdout</c>: the share of traces that go without advice; 0 to 1, default 0.</summary>
    public double Holdout { get; init; }

    /// <summary><c>interval</c>: how often policies are looked at. Default 500 ms, so that advice is there within a second of what it is about; 100 ms to 1 min.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary><c>max_active</c>: pieces of advice at the same time; what goes beyond is not given, and counted. Default 256; 1 to 10,000.</summary>
    public int ActiveMax { get; init; } = 256;

    /// <summary><c>effect</c>: how it is measured whether advice helps.</summary>
    public EffectOptions Effect { get; init; } = new();

    /// <summary>The shipped ones, unless <c>defaults</c> is false, then <c>policies</c>; each with <c>fallbacks</c>.</summary>
    public ImmutableArray<Policy> Policies { get; init; } = DefaultPolicies.All;
}
