using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Forward.Spool;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Spool;

/// <summary>An exporter that gets the spool of another when that one has ended.</summary>
public sealed class LateSpoolingExporterTests : IDisposable
{
    private readonly SpoolOptions _options = new() { Directory = SpoolSetup.Directory };
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch + TimeSpan.FromDays(20_000));
    private readonly ForgetfulFiles _files = new();
    private readonly ScriptedExporter _inner = new();
    private readonly PayloadBooks _books = new();
    private readonly Prometheus.CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly ListLogger<SpoolingExporter> _log = new();
    private readonly TaskCompletionSource _predecessor = new();

    [Fact]
    public async Task Until_its_predecessor_has_ended_failures_are_the_senders_and_then_what_is_in_the_spool_is_delivered()
    {
        await FillAsync("old");
        await using var exporter = Create();
        _inner.AlwaysAnswer(SpoolSetup.Unavailable);
        Assert.Same(SpoolSetup.Unavailable, await SendAsync(exporter, "meanwhile"));
        Assert.Equal(0, Metric(exporter, "otlptap_spool_open"));

        _inner.AlwaysAnswer(ExportReply.Accepted);
        _predecessor.SetResult();
        await UntilAsync(() => _inner.Calls.Any(call => call.Text == "old"), "the old record is delivered");

        Assert.Equal(1, Metric(exporter, "otlptap_spool_open"));
        _inner.AlwaysAnswer(SpoolSetup.Unavailable);
        Assert.Same(ExportReply.Accepted, await SendAsync(exporter, "spooled"));
        Assert.Contains(_log.Messages, line => line.Contains("works without its spool", StringComparison.Ordinal));
        Assert.Contains(_log.Messages, line => line.Contains("has its spool", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_directory_that_cannot_be_opened_is_tried_again_until_it_can()
    {
        await FillAsync("old");
        using var other = _files.Lock(Path.Combine(SpoolSetup.Directory, "lock"));
        await using var exporter = Create();
        _predecessor.SetResult();
        await UntilAsync(() => Metric(exporter, "otlptap_spool_open_failures_total") >= 3, "three attempts have failed");
        Assert.Equal(0, Metric(exporter, "otlptap_spool_open"));
        Assert.Contains(_log.Messages, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("cannot be opened: spool /spool is in use", StringComparison.Ordinal));
        Assert.Same(ExportReply.Accepted, await SendAsync(exporter, "meanwhile"));

        other.Dispose();

        await UntilAsync(() => _inner.Calls.Any(call => call.Text == "old"), "the old record is delivered");
    }

    [Fact]
    public async Task One_that_ends_before_its_predecessor_waits_for_nobody_and_leaves_the_spool_alone()
    {
        await FillAsync("old");
        var segment = Assert.Single(_files.Segments);
        var exporter = Create();

        await exporter.DrainAsync(Deadline.Token()).InTime();
        await exporter.DisposeAsync().AsTask().InTime();

        Assert.True(_inner.IsDisposed);
        _predecessor.SetResult();
        Assert.Equal([segment], _files.Segments);
        Assert.Equal(0, Metric(exporter, "otlptap_spool_open"));
    }

    [Fact]
    public async Task Without_a_predecessor_a_directory_that_cannot_be_used_refuses_at_once()
    {
        using var other = _files.Lock(Path.Combine(SpoolSetup.Directory, "lock"));

        var problem = Assert.Throws<SpoolException>(() => Create(hasPredecessor: false));

        Assert.Contains("in use by another process or exporter", problem.Message, StringComparison.Ordinal);
        other.Dispose();
        await using var exporter = Create(hasPredecessor: false);
        Assert.Equal(1, Metric(exporter, "otlptap_spool_open"));
    }

    public void Dispose() => Assert.Equal(0, _books.CreditOut);

    private async Task FillAsync(string text)
    {
        await using var setup = new SpoolSetup(_files, time: _time);
        await setup.TakeDownAsync(text);
    }

    private LateSpoolingExporter Create(bool hasPredecessor = true)
    {
        var factory = Prometheus.Metrics.WithCustomRegistry(_registry);
        var (metrics, items) = (new SpoolMetrics(factory, _inner.Id), new ExporterMetrics(factory, _inner.Id));
        SpoolingExporter Open() => new(
            _inner, DiskSpool.Open(_inner.Id, _options, _files, metrics, _time, _log), _options.AgeMax, new RetryOptions(), _books.Pool, metrics, items, _time, new Random(1), _log);
        return new LateSpoolingExporter(_inner, _options.Directory, Open, hasPredecessor ? _predecessor.Task : null, metrics, _time, _log);
    }

    private Task<ExportReply> SendAsync(LateSpoolingExporter exporter, string text) =>
        exporter.ExportAsync(Signal.Traces, _books.Lend(System.Text.Encoding.UTF8.GetBytes(text)), RequestMetadata.Empty, CancellationToken.None).InTime();

    private Task UntilAsync(Func<bool> holds, string what) => Deadline.UntilAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return holds();
        },
        what);

    private double Metric(LateSpoolingExporter exporter, string name)
    {
        exporter.PublishMetrics();
        return MetricText.Value(_registry, $"{name}{{exporter=\"{_inner.Id}\"}}");
    }
}
