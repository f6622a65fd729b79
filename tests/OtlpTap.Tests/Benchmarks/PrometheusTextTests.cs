using OtlpTap.Benchmarks.EndToEnd;

namespace OtlpTap.Tests.Benchmarks;

public class PrometheusTextTests
{
    private const string Page = """
        # HELP allocated_bytes_total Bytes.
        # TYPE allocated_bytes_total counter
        allocated_bytes_total_more 3
        allocated_bytes_total 1.5e9
        """;

    [Fact]
    public void A_metric_is_found_by_its_whole_name()
    {
        Assert.Equal(1.5e9, PrometheusText.Find(Page, "allocated_bytes_total"));
    }

    [Fact]
    public void A_metric_that_is_not_there_has_no_value()
    {
        Assert.Null(PrometheusText.Find(Page, "allocated_bytes"));
    }
}
