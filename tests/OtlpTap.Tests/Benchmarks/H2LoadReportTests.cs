using OtlpTap.Benchmarks.EndToEnd;

namespace OtlpTap.Tests.Benchmarks;

public class H2LoadReportTests
{
    private const string Summary = """
        starting benchmark...
        progress: 100% done

        finished in 108.20ms, 184842.88 req/s, 6.17MB/s
        requests: 20000 total, 20000 started, 20000 done, 19998 succeeded, 2 failed, 0 errored, 0 timeout
        status codes: 19998 2xx, 0 3xx, 0 4xx, 2 5xx
        """;

    [Fact]
    public void Rate_and_count_come_from_the_summary()
    {
        var report = H2LoadReport.TryParse(Summary, [])!;

        Assert.Equal(184_842.88, report.RequestsPerSecond);
        Assert.Equal(19_998, report.Succeeded);
    }

    [Fact]
    public void Percentiles_come_from_the_log_of_single_requests()
    {
        var log = Enumerable.Range(1, 200).Reverse().Select(duration => $"1795410523178636\t200\t{duration}");

        var report = H2LoadReport.TryParse(Summary, log)!;

        Assert.Equal(100, report.P50Microseconds);
        Assert.Equal(198, report.P99Microseconds);
    }

    [Fact]
    public void Failed_requests_have_no_latency()
    {
        var report = H2LoadReport.TryParse(Summary, ["1\t200\t7", "2\t-1\t1", "3\t503\t2"])!;

        Assert.Equal(7, report.P50Microseconds);
    }

    [Fact]
    public void Without_a_summary_there_is_no_report()
    {
        Assert.Null(H2LoadReport.TryParse("Could not connect", []));
    }
}
