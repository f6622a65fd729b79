using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace OtlpTap.Benchmarks.Micro;

/// <summary>The mean divided by the spans of the request: the figure that can be compared across sizes.</summary>
internal sealed class PerSpanColumn : IColumn
{
    public string Id => nameof(PerSpanColumn);

    public string ColumnName => "ns/span";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Statistics;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => "Mean time for each span of the request";

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, SummaryStyle.Default);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
    {
        var size = benchmarkCase.Parameters.Items.FirstOrDefault(item => item.Value is RequestSize)?.Value;
        return size is RequestSize known && summary[benchmarkCase]?.ResultStatistics is { } measured
            ? (measured.Mean / known.Spans()).ToString("0.0", CultureInfo.InvariantCulture)
            : "-";
    }
}
