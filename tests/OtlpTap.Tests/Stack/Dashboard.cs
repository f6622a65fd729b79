using System.Text.Json;
using System.Text.RegularExpressions;
using OtlpTap.Tests.Documentation;

namespace OtlpTap.Tests.Stack;

/// <summary>One query of a panel.</summary>
/// <param name="Source">The data source: <c>prometheus</c>, <c>tempo</c> or <c>loki</c>.</param>
internal sealed record PanelQuery(string Dashboard, string Panel, string Source, string Text)
{
    public override string ToString() => $"{Dashboard} / {Panel}: {Text}";
}

/// <summary>A dashboard of config/grafana as Grafana reads it.</summary>
internal sealed partial record Dashboard(string Name, JsonElement Json)
{
    public static IReadOnlyList<Dashboard> All { get; } =
    [
        .. Directory.GetFiles(Markdown.InRepository("config/grafana/dashboards"), "*.json").Order(StringComparer.Ordinal)
            .Select(file => new Dashboard(Path.GetFileName(file), JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(file)))),
    ];

    public IEnumerable<JsonElement> Panels => Json.GetProperty("panels").EnumerateArray();

    public IEnumerable<JsonElement> Variables => Json.GetProperty("templating").GetProperty("list").EnumerateArray();

    public IEnumerable<PanelQuery> Queries =>
        from panel in Panels
        where panel.TryGetProperty("targets", out _)
        from target in panel.GetProperty("targets").EnumerateArray()
        select new PanelQuery(Name, panel.GetProperty("title").GetString()!, target.GetProperty("datasource").GetProperty("uid").GetString()!, TextOf(target));

    /// <summary>What fills the choices of a variable.</summary>
    public IEnumerable<PanelQuery> VariableQueries =>
        from variable in Variables
        where variable.GetProperty("type").GetString() == "query"
        select new PanelQuery(Name, "$" + variable.GetProperty("name").GetString(), "prometheus", variable.GetProperty("definition").GetString()!);

    /// <summary>The query as Grafana sends it when everything is chosen, over a range of a minute.</summary>
    public static string Filled(string query) => Variable().Replace(
        query.Replace("[$__rate_interval]", "[30s]", StringComparison.Ordinal).Replace("[$__range]", "[1m]", StringComparison.Ordinal),
        ".*");

    /// <summary>The metrics that a query names; not what rules record, whose names have colons.</summary>
    public static IEnumerable<string> MetricsOf(string query) =>
        MetricName().Matches(StringLiteral().Replace(query, "\"\"")).Select(name => name.Value).Distinct();

    private static string TextOf(JsonElement target) => (target.TryGetProperty("expr", out var expression) ? expression : target.GetProperty("query")).GetString()!;

    [GeneratedRegex(@"\$\w+")]
    private static partial Regex Variable();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex StringLiteral();

    [GeneratedRegex(@"(?<![:\w])(otlptap|otelcol|process|dotnet)_\w+")]
    private static partial Regex MetricName();
}
