namespace OtlpTap.Rules.Packs;

/// <summary>Rules that belong together: those for one convention of one or several instrumentations.</summary>
internal sealed record RulePack(string Name, string Description, IReadOnlyList<Rule> Rules);
