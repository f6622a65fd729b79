using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Forward.Spool;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Tests.Forward.Spool;

/// <summary>A spooling exporter over a forgetful disk and a scripted upstream, and the books of what was lent to it.</summary>
internal sealed class SpoolSetup : IAsyncDisposable
{
    public const string Directory = "/spool";

    public static readonly ExportReply Unavailable = new(StatusCode.Unavailable, "away", ReadOnlyMemory<byte>.Empty, []);

    private readonly PayloadPool _pool = new();
    private readonly ByteBudget _budget = new(1 << 30);
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private bool _isDisposed;

    public SpoolSetup(ForgetfulFiles? files = null, ScriptedExporter? inner = null, FakeTimeProvider? time = null, Func<SpoolOptions, SpoolOptions>? with = null, RetryOptions? retry = null)
    {
        Files = files ?? new ForgetfulFiles();
        Inner = inner ?? new ScriptedExporter();
        Time = time ?? new FakeTimeProvider(DateTimeOffset.UnixEpoch + TimeSpan.FromDays(20_000));
        var options = new SpoolOptions { Directory = Directory };
        options = with?.Invoke(options) ?? options;
        var factory = Prometheus.Metrics.WithCustomRegistry(_registry);
        var metrics = new SpoolMetrics(factory, Inner.Id);
        Spool = DiskSpool.Open(Inner.Id, options, Files, metrics, Time, Log);
        Exporter = new SpoolingExporter(Inner, Spool, options.AgeMax, retry ?? new RetryOptions { RandomizationFactor = 0 }, _pool, metrics, new ExporterMetrics(factory, Inner.Id), Time, new Random(1), Log);
    }

    public ForgetfulFiles Files { get; }

    public ScriptedExporter Inner { get; }

    public FakeTimeProvider Time { get; }

    public ListLogger<SpoolingExporter> Log { get; } = new();

    public DiskSpool Spool { get; }

    public SpoolingExporter Exporter { get; }

    public Payload Lend(string text, int items = 1)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var payload = _pool.Rent(bytes.Length);
        bytes.CopyTo(payload.Writable);
        payload.ItemCount = items;
        Assert.True(_budget.TryTake(bytes.Length));
        payload.AttachCredit(_budget, bytes.Length);
        return payload;
    }

    public Task<ExportReply> SendAsync(string text, RequestMetadata? metadata = null, Signal signal = Signal.Traces, int items = 1) =>
        Exporter.ExportAsync(signal, Lend(text, items), metadata ?? RequestMetadata.Empty, CancellationToken.None);

    /// <summary>For a sender that gives up when <paramref name="leaving"/> fires.</summary>
    public Task<ExportReply> SendUntilAsync(string text, CancellationToken leaving) =>
        Exporter.ExportAsync(Signal.Traces, Lend(text), RequestMetadata.Empty, leaving);

    /// <summary>Takes the upstream down with one request, which goes to the spool.</summary>
    public async Task TakeDownAsync(string text = "first")
    {
        Inner.AlwaysAnswer(Unavailable);
        Inner.IsReachable = false;
        Inner.IsProbeSuccessful = false;
        Assert.Same(ExportReply.Accepted, await SendAsync(text).InTime());
    }

    public void BringUp()
    {
        Inner.IsReachable = true;
        Inner.IsProbeSuccessful = true;
        Inner.AlwaysAnswer(ExportReply.Accepted);
    }

    /// <summary>Lets the time pass that a delivery waits for, until the condition holds.</summary>
    public Task PassTimeUntilAsync(Func<bool> holds, string what, TimeSpan? step = null) => Deadline.UntilAsync(
        () =>
        {
            Time.Advance(step ?? TimeSpan.FromSeconds(1));
            return holds();
        },
        what);

    public Task DeliverAllAsync() => PassTimeUntilAsync(() => Spool.IsEmpty, "everything is delivered");

    public double Metric(string name, string labels = "")
    {
        Exporter.PublishMetrics();
        return MetricText.Value(_registry, $"{name}{{exporter=\"{Inner.Id}\"{labels}}}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await Exporter.DisposeAsync().AsTask().InTime();
        Assert.Equal(0, _budget.TakenBytes);
    }
}
