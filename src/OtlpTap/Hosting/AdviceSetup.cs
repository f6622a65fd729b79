using OtlpTap.Advice;
using OtlpTap.Advice.Effect;
using OtlpTap.Cli;
using OtlpTap.Health;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Hosting;

/// <summary>What agents are told about their health, and whether it helped.</summary>
internal sealed class AdviceSetup : IDisposable
{
    public AdviceSetup(AdviceOptions options, IHealth health, ITapTelemetry telemetry, TapMetrics metrics, TimeProvider time, ILoggerFactory logs)
    {
        Engine = new AdviceEngine(options, health, telemetry, VersionCommand.Version, metrics.Advice, time, logs.CreateLogger<AdviceEngine>());
        Outcomes = new FallbackOutcomes(options.Effect, Engine, metrics.AdviceEffect, time, logs.CreateLogger<FallbackOutcomes>());
    }

    public AdviceEngine Engine { get; }

    public FallbackOutcomes Outcomes { get; }

    /// <summary>For the registry's before-collect callback.</summary>
    public void PublishMetrics() => Outcomes.PublishMetrics();

    public void Dispose()
    {
        Outcomes.Dispose();
        Engine.Dispose();
    }
}
