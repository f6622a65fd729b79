namespace OtlpTap.Rules.Expressions.Texts;

/// <summary>What stands between % and the verb.</summary>
internal record struct FormatFlags(bool Sharp, bool Zero, bool Plus, bool Minus, bool Space, int? Width, int? Precision);
