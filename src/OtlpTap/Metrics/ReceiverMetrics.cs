using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>
/// What one receiver took and refused over one transport, in items and under the Collector's names, so that its
/// dashboards and alerts work here. Names, texts and labels: receiver/receiverhelper of
/// https://github.com/open-telemetry/opentelemetry-collector, with the suffixes of Prometheus. One object for each
/// receiver and transport; all share the families.
/// </summary>
internal sealed class ReceiverMetrics
{
    public const string Grpc = "grpc";
    public const string Http = "http";

    private static readonly string[] Items = ["spans", "log_records", "metric_points"];
    private static readonly string[] Nouns = ["spans", "log records", "metric points"];

    private readonly Counter.Child[] _accepted;
    private readonly Counter.Child[] _refused;
    private readonly Counter.Child[] _failed;

    /// <param name="receiver">The component id, such as <c>otlp</c> or <c>otlp/agents</c>.</param>
    /// <param name="transport"><see cref="Grpc"/> or <see cref="Http"/>.</param>
    public ReceiverMetrics(IMetricFactory factory, string receiver, string transport)
    {
        _accepted = Children("accepted", "Number of {0} successfully pushed into the pipeline.");
        _refused = Children("refused", "Number of {0} that could not be pushed into the pipeline.");
        _failed = Children("failed", "The number of {0} that failed to be processed by the receiver due to internal errors.");

        Counter.Child[] Children(string outcome, string help) =>
            [.. Items.Zip(Nouns, (items, noun) => factory
                .CreateCounter($"otelcol_receiver_{outcome}_{items}_total", help.Replace("{0}", noun, StringComparison.Ordinal), ["receiver", "transport"])
                .WithLabels(receiver, transport))];
    }

    /// <summary>The pipeline has answered. What the upstream rejected of a request that it took was pushed into the pipeline all the same.</summary>
    /// <param name="rejected">Of the items received those that the tap took out as invalid.</param>
    /// <param name="isAccepted">Whether the answer is OK; with any other all items are refused.</param>
    public void Answered(Signal signal, int received, int rejected, bool isAccepted)
    {
        var accepted = isAccepted ? received - rejected : 0;
        _accepted[(int)signal].Inc(accepted);
        if (accepted < received)
        {
            _refused[(int)signal].Inc(received - accepted);
        }
    }

    /// <summary>Items of a request that did not get as far as the pipeline.</summary>
    public void Refused(Signal signal, long items) => _refused[(int)signal].Inc(items);

    /// <summary>The pipeline gave no answer: the sender did not wait for it, or, a mistake of the tap's own, it failed.</summary>
    public void NotAnswered(Signal signal, int items, bool hasSenderLeft) => (hasSenderLeft ? _refused : _failed)[(int)signal].Inc(items);
}
