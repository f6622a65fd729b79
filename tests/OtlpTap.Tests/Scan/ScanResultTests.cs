using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;
using static OtlpTap.Tests.WireBytes;

namespace OtlpTap.Tests.Scan;

public sealed class ScanResultTests
{
    [Fact]
    public void A_flood_of_matches_is_cut_off_and_the_rest_counted()
    {
        var failed = Field(2, Field(15, VarintField(3, 2)));
        byte[] spans = [.. Enumerable.Repeat(failed, ScanResult.MatchesMax + 10).SelectMany(span => span)];
        var scan = new ScanResult();

        Assert.True(new RequestScanner(TestRules.Compile(TestRules.OnSpan("failed", "span.status.code == 2"))).TryScan(Signal.Traces, Field(1, Field(2, spans)), scan, out _));
        Assert.Equal((ScanResult.MatchesMax, 10, ScanResult.MatchesMax + 10), (scan.Matches.Length, scan.MatchesLeftOut, scan.ItemCount));

        scan.Begin(Signal.Traces, CompiledRules.None);
        Assert.Equal((0, 0, false), (scan.Matches.Length, scan.MatchesLeftOut, scan.NeedsTag));
    }

    [Fact]
    public void What_results_at_rest_hold_is_bounded_in_bytes()
    {
        var small = new ScanResult().RetainedBytes;
        var pool = new ScanResultPool(retainedBytesMax: 3 * small);
        foreach (var result in Enumerable.Range(0, 5).Select(_ => pool.Rent()).ToList())
        {
            pool.Return(result);
        }

        Assert.Equal(3 * small, pool.RetainedBytes);

        var large = pool.Rent();
        large.Begin(Signal.Traces, CompiledRules.None);
        for (ulong i = 1; i < 1000; i++)
        {
            large.AddTraceId(new TraceId(0, i));
        }

        pool.Return(large);
        Assert.Equal(2 * small, pool.RetainedBytes);
    }
}
