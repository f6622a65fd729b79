using System.Text.Json;
using System.Text.RegularExpressions;

namespace OtlpTap.Detectors.Schema;

/// <summary>One schema inside a schema, its keywords looked up once. A keyword of a shape that it cannot have is as if it were not there.</summary>
internal sealed class SchemaNode
{
    /// <summary>Of <c>true</c> and <c>false</c>; null for an object.</summary>
    public bool? Always { get; init; }

    /// <summary>A local reference (<c>#/…</c>), which stands beside the other keywords.</summary>
    public string? Reference { get; init; }

    /// <summary>Null: any.</summary>
    public IReadOnlyList<string>? Types { get; init; }

    public Dictionary<string, SchemaNode>? Properties { get; init; }

    public HashSet<string> Required { get; init; } = [];

    public SchemaNode? AdditionalProperties { get; init; }

    /// <summary>A pattern that cannot be used (not linear, too long) has no <see cref="Regex"/>: what it would match is not known.</summary>
    public IReadOnlyList<(Regex? Pattern, SchemaNode Schema)> PatternProperties { get; init; } = [];

    public SchemaNode? PropertyNames { get; init; }

    public IReadOnlyList<SchemaNode> PrefixItems { get; init; } = [];

    public SchemaNode? Items { get; init; }

    public SchemaNode? Contains { get; init; }

    public IReadOnlyList<JsonElement>? Enum { get; init; }

    public Regex? Pattern { get; init; }

    /// <summary>There is a pattern, and it cannot be used.</summary>
    public bool IsPatternUnknown { get; init; }

    public IReadOnlyList<SchemaNode> AllOf { get; init; } = [];

    public IReadOnlyList<SchemaNode> AnyOf { get; init; } = [];

    public IReadOnlyList<SchemaNode> OneOf { get; init; } = [];

    public SchemaNode? Not { get; init; }

    public SchemaNode? If { get; init; }

    public SchemaNode? Then { get; init; }

    public SchemaNode? Else { get; init; }

    public Dictionary<string, SchemaNode>? DependentSchemas { get; init; }

    public Dictionary<string, IReadOnlyList<string>>? DependentRequired { get; init; }

    public bool UniqueItems { get; init; }

    public double? Minimum { get; init; }

    public double? Maximum { get; init; }

    public double? ExclusiveMinimum { get; init; }

    public double? ExclusiveMaximum { get; init; }

    public double? MultipleOf { get; init; }

    public int? MinLength { get; init; }

    public int? MaxLength { get; init; }

    public int? MinItems { get; init; }

    public int? MaxItems { get; init; }

    public int? MinProperties { get; init; }

    public int? MaxProperties { get; init; }

    public int? MinContains { get; init; }

    public int? MaxContains { get; init; }
}
