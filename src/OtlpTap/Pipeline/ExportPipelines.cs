using OtlpTap.Otlp;

namespace OtlpTap.Pipeline;

/// <summary>One pipeline for each signal that the configuration names.</summary>
internal sealed class ExportPipelines(Func<Signal, ExportPipeline?> create)
{
    private readonly ExportPipeline?[] _bySignal = [.. Enum.GetValues<Signal>().Select(create)];

    /// <summary>Of a signal for which <see cref="Has"/> is true.</summary>
    public ExportPipeline this[Signal signal] =>
        _bySignal[(int)signal] ?? throw new InvalidOperationException($"No pipeline takes {signal}.");

    public bool Has(Signal signal) => _bySignal[(int)signal] is not null;
}
