using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Pull;

public sealed class PullOnTheLineTests
{
    [Fact]
    public async Task A_verdict_on_a_trace_that_the_recorder_does_not_have_gets_it_from_Tempo()
    {
        await using var backend = await StubBackend.StartAsync();
        backend.Add(9, Healthy(), DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 86_400);
        await using var tap = await RunningTap.StartAsync(tap: $"pull: {{ tempo: {{ url: '{backend.Url}', tenant: shop }} }}");

        await CaptureAsync(tap, "00000000000000000000000000000009");
        var file = Assert.Single(await tap.CaseFilesAsync("case.json", 1));

        using var document = JsonDocument.Parse(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal("reported", document.RootElement.GetProperty("failure").GetString());
        Assert.Equal(["tempo"], document.RootElement.GetProperty("fetched_from").EnumerateArray().Select(source => source.GetString()));
        Assert.Equal(1, document.RootElement.GetProperty("span_count").GetInt32());
        Assert.All(backend.Tenants, tenant => Assert.Equal("shop", tenant));
        Assert.Equal(1, await tap.MetricAsync("otlptap_pull_late_traces_total{outcome=\"found\"}"));
    }

    [Fact]
    public async Task A_trace_that_Tempo_does_not_have_either_is_dropped_and_counted()
    {
        await using var backend = await StubBackend.StartAsync();
        await using var tap = await RunningTap.StartAsync(tap: $"pull: {{ tempo: {{ url: '{backend.Url}' }} }}");

        await CaptureAsync(tap, "00000000000000000000000000000008");

        await Deadline.UntilAsync(async () => await tap.MetricAsync("otlptap_pull_late_traces_total{outcome=\"not_found\"}") == 1, "it is counted");
        Assert.Equal(1, await tap.MetricAsync("otlptap_corpus_captures_dropped_total{reason=\"not_recorded\"}"));
    }

    [Fact]
    public async Task A_schedule_pulls_at_the_start_and_again_when_its_interval_is_over()
    {
        var time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(1_790_000_000));
        await using var backend = await StubBackend.StartAsync();
        backend.Add(1, Failing("get_weather"), 1_790_000_000 - 600);
        await using var tap = await RunningTap.StartAsync(tap: $"pull: {{ tempo: {{ url: '{backend.Url}', query: '{{ status = error }}', interval: 10m, since: 1h }} }}", time: time);
        await tap.CaseFilesAsync("case.json", 1);
        await Deadline.UntilAsync(async () => await tap.MetricAsync("otlptap_pull_runs_total{source=\"tempo\",outcome=\"done\"}") == 1, "the first run is over");

        backend.Add(2, Failing("send_mail"), 1_790_000_000 + 60);
        time.Advance(TimeSpan.FromMinutes(10));
        await tap.CaseFilesAsync("case.json", 2);
        await Deadline.UntilAsync(async () => await tap.MetricAsync("otlptap_pull_runs_total{source=\"tempo\",outcome=\"done\"}") == 2, "the second run is over");

        Assert.Equal(2, await tap.MetricAsync("otlptap_pull_traces_total{source=\"tempo\"}"));
        Assert.Single(backend.Requests, request => request.EndsWith("/00000000000000000000000000000001", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_scheduled_run_looks_again_at_the_minutes_before_the_last_ones_end()
    {
        const long Now = 1_790_000_000;
        var time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(Now));
        await using var backend = await StubBackend.StartAsync();
        await using var tap = await RunningTap.StartAsync(tap: $"pull: {{ tempo: {{ url: '{backend.Url}', query: '{{ status = error }}', interval: 10m, since: 1h }} }}", time: time);
        await Deadline.UntilAsync(async () => await tap.MetricAsync("otlptap_pull_runs_total{source=\"tempo\",outcome=\"done\"}") == 1, "the first run is over");

        backend.Add(1, Failing("get_weather"), Now - 120);
        time.Advance(TimeSpan.FromMinutes(10));

        await tap.CaseFilesAsync("case.json", 1);
    }

    private static TraceBuilder Healthy() => new TraceBuilder().Resource("shop").Span("execute_tool get_weather", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "get_weather"));

    private static TraceBuilder Failing(string tool) =>
        new TraceBuilder().Resource("shop").Span($"execute_tool {tool}", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", tool)).Failed();

    private static async Task CaptureAsync(RunningTap tap, string traceId)
    {
        using var http = new HttpClient();
        using var body = new StringContent("{}", Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri($"http://{tap.Host.AdminEndpoint}/api/v1/traces/{traceId}/capture"), body, TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, response.StatusCode.ToString());
    }
}
