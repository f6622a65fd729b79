using OtlpTap.Sinks;
using OtlpTap.Tests.Corpus;
using OtlpTap.Tests.Forward;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Sinks;

/// <summary>Cases as the corpus writes them, and the sinks that they go to.</summary>
internal sealed class SinkRig : IAsyncDisposable
{
    private CaseSinks? _sinks;

    public SinkRig() => Tap = new TapRig(written: (capture, result) => _sinks!.Written(capture, result));

    public TapRig Tap { get; }

    public ListLogger<CaseSinks> Logger { get; } = new();

    public void Start(params SinkOptions[] options) =>
        _sinks = new CaseSinks(options, Tap.Recorder, "1.0.0", Prometheus.Metrics.WithCustomRegistry(Tap.Registry), Tap.Time, Logger);

    /// <summary>A trace that fails as no other does, and its case.</summary>
    public void Fail(int trace)
    {
        Tap.Receive(RequestFrom($"service {trace}", Span(trace, 1, failed: true)));
        Tap.Settle();
    }

    public Task SentAsync(string sink, int cases) => Deadline.UntilAsync(() => Sent(sink) == cases, $"{cases} cases are sent");

    /// <summary>Lets the sinks' clock run while no sink has a call under way.</summary>
    public Task PassUntilAsync(Func<bool> holds, string what) => Tap.Time.PassUntilAsync(holds, what);

    /// <summary>A backend that hangs is called, until it is given up: as often as a sink tries.</summary>
    public async Task PassHangingAsync(StubUpstream backend, TimeSpan timeout)
    {
        for (var attempt = 1; attempt <= 6; attempt++)
        {
            await PassUntilAsync(() => backend.Calls.Count == attempt, $"it is asked {attempt} times");
            Tap.Time.Advance(timeout);
        }
    }

    public double Sent(string sink) => Tap.Value($"otlptap_sink_sent_cases_total{{sink=\"{sink}\"}}");

    public double Retries(string sink) => Tap.Value($"otlptap_sink_retries_total{{sink=\"{sink}\"}}");

    public double Failed(string sink, string reason) => Tap.Value($"otlptap_sink_failed_cases_total{{sink=\"{sink}\",reason=\"{reason}\"}}");

    public double Dropped(string sink, string reason) => Tap.Value($"otlptap_sink_dropped_cases_total{{sink=\"{sink}\",reason=\"{reason}\"}}");

    public async ValueTask DisposeAsync()
    {
        if (_sinks is not null)
        {
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await _sinks.DrainAsync(now.Token);
            await _sinks.DisposeAsync();
        }

        Tap.Dispose();
    }
}
