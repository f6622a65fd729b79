using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Which configuration runs: that of the files, or an older one because theirs was refused.</summary>
internal sealed class ConfigurationMetrics
{
    private readonly Gauge _successful;
    private readonly Gauge _loadedAt;
    private readonly Counter _reloads;

    public ConfigurationMetrics(IMetricFactory factory)
    {
        _successful = factory.CreateGauge("otlptap_config_last_reload_successful", "1 when the configuration that was read last is in force, 0 when it was refused and an older one runs.");
        _loadedAt = factory.CreateGauge("otlptap_config_last_reload_success_timestamp_seconds", "When the configuration in force was read, in seconds since 1970.");
        _reloads = factory.CreateCounter("otlptap_config_reloads_total", "How often the configuration was to be read again while running, by result.", ["result"]);
        _reloads.WithLabels("applied");
        _reloads.WithLabels("refused");
    }

    public void Started(DateTimeOffset now) => InForce(now);

    public void Reloaded(DateTimeOffset now)
    {
        InForce(now);
        _reloads.WithLabels("applied").Inc();
    }

    public void Refused()
    {
        _successful.Set(0);
        _reloads.WithLabels("refused").Inc();
    }

    private void InForce(DateTimeOffset now)
    {
        _successful.Set(1);
        _loadedAt.Set(now.ToUnixTimeMilliseconds() / 1000.0);
    }
}
