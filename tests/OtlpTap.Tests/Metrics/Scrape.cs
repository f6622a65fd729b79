using System.Globalization;
using System.Text;
using OtlpTap.Metrics;

namespace OtlpTap.Tests.Metrics;

/// <summary>What Prometheus would read, by series as they are written: <c>name{label="value"}</c>.</summary>
internal sealed class Scrape
{
    private readonly Dictionary<string, double> _series = new(StringComparer.Ordinal);

    private Scrape(string text)
    {
        Text = text;
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#'))
        {
            var space = line.LastIndexOf(' ');
            _series.Add(line[..space], double.Parse(line[(space + 1)..], CultureInfo.InvariantCulture));
        }
    }

    public string Text { get; }

    public double this[string series] => _series[series];

    public IReadOnlyCollection<string> SeriesOf(string family) =>
        [.. _series.Keys.Where(series => series.StartsWith(family + "{", StringComparison.Ordinal))];

    public static async Task<Scrape> OfAsync(TapMetrics metrics)
    {
        using var text = new MemoryStream();
        await metrics.WriteAsync(text, TestContext.Current.CancellationToken);
        return new Scrape(Encoding.UTF8.GetString(text.ToArray()));
    }
}
