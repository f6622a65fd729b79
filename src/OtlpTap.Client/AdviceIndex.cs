using System.Collections.Frozen;

namespace OtlpTap.Client;

/// <summary>All advice of a moment, found by tool. Immutable: it is exchanged as a whole.</summary>
internal sealed class AdviceIndex
{
    public static readonly AdviceIndex None = new(0, 0, []);

    private readonly Advice[] _all;
    private readonly Advice[] _ofNoTool;
    private readonly FrozenDictionary<string, Advice[]> _byTool;

    /// <param name="items">Those of the asker's service and agent.</param>
    public AdviceIndex(long version, double holdout, IReadOnlyList<Advice> items)
    {
        Version = version;
        Holdout = holdout;
        _all = [.. items];
        _ofNoTool = [.. items.Where(item => item.Tool.Length == 0)];
        _byTool = items.Where(item => item.Tool.Length > 0).Select(item => item.Tool).Distinct()
            .ToFrozenDictionary(tool => tool, tool => items.Where(item => item.Tool.Length == 0 || item.Tool == tool).ToArray(), StringComparer.Ordinal);
    }

    public long Version { get; }

    /// <summary>The share of traces that go without.</summary>
    public double Holdout { get; }

    public bool IsEmpty => _all.Length == 0;

    /// <summary>What is about the tool, and what is about all; without a tool everything.</summary>
    public Advice[] For(string? tool) => string.IsNullOrEmpty(tool) ? _all : _byTool.GetValueOrDefault(tool, _ofNoTool);
}
