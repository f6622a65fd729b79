using System.Collections.Immutable;
using OtlpTap.Configuration;
using OtlpTap.Forward;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Pipeline;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Validate;

namespace OtlpTap.Hosting;

/// <summary>
/// What one configuration puts between the listeners and the upstreams: rules, pipelines and exporters. It does not change;
/// a reload makes the next one, which takes over the exporters that stay as they are.
/// </summary>
internal sealed class Line
{
    private readonly LineParts _parts;
    private readonly TapOptions _options;
    private readonly FailureMetrics _failures;
    private readonly InvalidItems? _invalid;
    private readonly RuleErrors _ruleErrors;

    // Indexed by Signal.
    private readonly IReadOnlyList<IExporter>[] _verdictTargets;

    private Line(LineParts parts, TapOptions options, ExporterSet exporters, FailureMetrics failures)
    {
        _parts = parts;
        _options = options;
        Exporters = exporters;
        _failures = failures;
        _ruleErrors = new RuleErrors(options.Rules, options.Processor.ErrorMode, parts.Time, parts.Logs.CreateLogger<RuleErrors>());
        _invalid = options.Processor.OnInvalid == OnInvalid.Relay ? null : new InvalidItems(new RequestValidator(options.Processor.OnInvalid), parts.Metrics.Validity);
        Receivers = options.Receivers.ToImmutableDictionary(
            receiver => receiver.Id,
            receiver => new ExportPipelines(signal => CreatePipeline(receiver.Id, signal)));
        _verdictTargets = [.. Enum.GetValues<Signal>().Select(VerdictTargets)];
    }

    public ExporterSet Exporters { get; }

    /// <summary>The pipelines of each receiver, by its id.</summary>
    public ImmutableDictionary<string, ExportPipelines> Receivers { get; }

    /// <exception cref="Forward.Spool.SpoolException">A spool cannot be opened.</exception>
    public static Line First(LineParts parts, TapOptions options) =>
        new(parts, options, ExporterSet.Create(options, parts.Metrics, parts.Payloads, parts.InFlight, parts.Time, parts.Logs), new FailureMetrics(parts.Metrics.Factory, Labels(options.Rules)));

    /// <param name="retired">Exporters that the next line has no more; to be ended once no request comes to this line.</param>
    /// <exception cref="Forward.Spool.SpoolException">A spool cannot be opened. Nothing has changed then.</exception>
    public Line Next(TapOptions options, out IReadOnlyList<ConfiguredExporter> retired) =>
        new(_parts, options, Exporters.Next(options, out retired), _failures.Next(Labels(options.Rules)));

    /// <summary>Where verdicts on spans of this line go: to all exporters that its tapped pipelines of the signal have, each once.</summary>
    public IReadOnlyList<IExporter> VerdictTargetsOf(Signal signal) => _verdictTargets[(int)signal];

    /// <summary>Before each scrape.</summary>
    public void PublishMetrics()
    {
        Exporters.PublishMetrics();
        _failures.RuleErrorsSampled(_options.Rules.ErrorsOf);
    }

    /// <summary>Now and then: what nobody reads from metrics alone.</summary>
    public void TellRuleErrors() => _ruleErrors.Tell();

    private static IReadOnlyList<RuleLabels> Labels(CompiledRules rules) =>
        [.. Enumerable.Range(0, rules.Count).Select(index => rules[index]).Select(rule => new RuleLabels(rule.Name, rule.Failure, rule.Metric, Verdicts.FailureKind.IsMark(rule.Failure)))];

    // Which receiver a trace came by is not known any more when somebody has judged it.
    private List<IExporter> VerdictTargets(Signal signal)
    {
        var tapped = _options.Pipelines.Where(pipeline => pipeline.Signal == signal && pipeline.IsTapped).ToList();
        return
        [
            .. tapped.Select(pipeline => pipeline.Primary is { } primary ? Exporters.Primary(primary) : null)
                .Concat(tapped.SelectMany(pipeline => pipeline.Others).Select(other => Exporters.Beside(other, signal)))
                .OfType<IExporter>()
                .DistinctBy(exporter => exporter.Id, StringComparer.Ordinal),
        ];
    }

    private ExportPipeline? CreatePipeline(string receiver, Signal signal) => _options.PipelineOf(receiver, signal) is not { } pipeline ? null : new ExportPipeline(
        signal,
        new RequestScanner(pipeline.IsTapped ? _options.Rules : CompiledRules.None),
        _parts.Scans,
        _parts.Payloads,
        pipeline.IsTapped && _options.Processor.IsTeed ? _parts.Tee : null,
        pipeline.Primary is { } primary ? Exporters.Primary(primary) : null,
        [.. pipeline.Others.Select(other => Exporters.Beside(other, signal))],
        _parts.Metrics.Receive,
        _failures,
        pipeline.IsTapped ? _invalid : null,
        pipeline.IsTapped ? _parts.Causes : null);
}
