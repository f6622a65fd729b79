using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>How one rule's matches are labelled; rules stand in the order of their indexes.</summary>
/// <param name="IsCounted">False for a rule with <c>metric: false</c>.</param>
/// <param name="IsMark">What it finds is no failure and counted apart.</param>
internal readonly record struct RuleLabels(string Rule, string Failure, bool IsCounted = true, bool IsMark = false);

/// <summary>
/// Failing spans by kind of failure, rule and service. Rules are few and known from the start; services are what agents
/// call themselves, so theirs is the set that must be bounded: the first <see cref="ServicesMax"/> have series of their
/// own, all others share the service <see cref="Other"/>.
/// </summary>
internal sealed class FailureMetrics
{
    public const string Other = "other";

    /// <summary>What OpenTelemetry SDKs call a service that has no name.</summary>
    public const string Unnamed = "unknown_service";

    /// <summary>200 services with 20 rules are 4000 series at worst: a tenth of what a Prometheus takes from one target without notice.</summary>
    public const int ServicesMaxDefault = 200;

    /// <summary>Longer names are no names that a person reads on a dashboard; they count as <see cref="Other"/>.</summary>
    public const int ServiceNameBytesMax = 128;

    private readonly IMetricFactory _factory;
    private readonly RuleLabels[] _rules;
    private readonly Counter _failing;
    private readonly Counter _marked;
    private readonly Counter _alreadyTagged;
    private readonly Counter _taggingFailures;
    private readonly Counter _overflow;
    private readonly Counter _leftOut;
    private readonly Counter _propagated;
    private readonly Counter _causesNotSought;
    private readonly (Counter.Child Child, double Before)[] _ruleErrors;
    private readonly Counter.Child?[] _other;
    private readonly ConcurrentDictionary<byte[], Counter.Child?[]> _services = new(ServiceNameComparer.Instance);
    private readonly ConcurrentDictionary<byte[], Counter.Child?[]>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private int _serviceCount;

    public FailureMetrics(IMetricFactory factory, IReadOnlyList<RuleLabels> rules, int servicesMax = ServicesMaxDefault)
    {
        _factory = factory;
        _rules = [.. rules];
        ServicesMax = servicesMax;
        _lookup = _services.GetAlternateLookup<ReadOnlySpan<byte>>();
        _other = new Counter.Child?[_rules.Length];
        _failing = factory.CreateCounter(
            "otlptap_failing_spans_total",
            "Spans on which a rule's condition is true, by kind of failure, rule and service; a span on which several are true is counted for each, and one that only repeats the failure of another for none.",
            ["failure", "rule", "service"]);
        _marked = factory.CreateCounter("otlptap_marked_spans_total", "Spans and log records on which a rule's condition is true whose kind is no failure (recovered, positive_feedback).", ["mark", "rule", "service"]);
        _alreadyTagged = factory.CreateCounter("otlptap_already_tagged_spans_total", "Spans that arrived with otlptap.failure: not tagged again.");
        _taggingFailures = factory.CreateCounter("otlptap_tagging_failures_total", "Requests forwarded untagged because tagging failed.");
        _overflow = factory.CreateCounter("otlptap_failing_spans_other_total", "Failing spans counted for the service \"other\" because the set of services is full or the name too long.");
        _leftOut = factory.CreateCounter("otlptap_failing_spans_left_out_total", "Failing spans beyond the most that one request can have tagged and kept.");
        _propagated = factory.CreateCounter("otlptap_propagated_spans_total", "Spans that only repeat the failure of a span below them: tagged with otlptap.failure.origin and not counted as failing.");
        _causesNotSought = factory.CreateCounter("otlptap_causes_not_sought_total", "Requests with more failing spans than are looked at for their cause: the rest count as failures of their own.");
        var ruleErrors = factory.CreateCounter("otlptap_rule_errors_total", "Spans on which a rule's condition came to an error, such as HasPrefix of a missing attribute; it then counts as false.", ["rule"]);
        _ruleErrors = [.. _rules.Select(rule => ruleErrors.WithLabels(rule.Rule)).Select(child => (child, child.Value))];
    }

    public int ServicesMax { get; }

    /// <summary>For other rules over the same counters; services that have series now keep them, and their places in the bound.</summary>
    public FailureMetrics Next(IReadOnlyList<RuleLabels> rules)
    {
        var next = new FailureMetrics(_factory, rules, ServicesMax);
        foreach (var service in _services.Keys)
        {
            next.TryAdd(service, out _);
        }

        return next;
    }

    /// <summary>A rule's condition is true on a span. Allocates nothing once the pair of rule and service has been seen.</summary>
    /// <param name="rule">Index among the rules given at the start.</param>
    /// <param name="serviceName">UTF-8, as it stands in the request; empty for none.</param>
    public void SpanFailed(int rule, ReadOnlySpan<byte> serviceName)
    {
        if (_rules[rule].IsCounted)
        {
            var children = ChildrenOf(serviceName, out var service);
            var child = children[rule] ?? Add(children, rule, service ?? NameOf(serviceName));
            child.Inc();
        }
    }

    /// <summary>A span only repeats the failure of another.</summary>
    public void SpanPropagated() => _propagated.Inc();

    /// <summary>Not all failing spans of a request were looked at for their cause.</summary>
    public void CausesNotSought() => _causesNotSought.Inc();

    public void SpanAlreadyTagged() => _alreadyTagged.Inc();

    public void SpansLeftOut(int count) => _leftOut.Inc(count);

    /// <param name="errorsOf">How often the rule of an index has come to an error so far.</param>
    public void RuleErrorsSampled(Func<int, long> errorsOf)
    {
        for (var rule = 0; rule < _ruleErrors.Length; rule++)
        {
            _ruleErrors[rule].Child.IncTo(_ruleErrors[rule].Before + errorsOf(rule));
        }
    }

    public void TaggingFailed() => _taggingFailures.Inc();

    // The service's series by rule; its label where that is not simply its name.
    private Counter.Child?[] ChildrenOf(ReadOnlySpan<byte> serviceName, out string? service)
    {
        service = null;
        if (_lookup.TryGetValue(serviceName, out var children))
        {
            return children;
        }

        if (serviceName.Length <= ServiceNameBytesMax && TryAdd(serviceName, out children))
        {
            return children;
        }

        service = Other;
        _overflow.Inc();
        return _other;
    }

    private bool TryAdd(ReadOnlySpan<byte> serviceName, [NotNullWhen(true)] out Counter.Child?[]? children)
    {
        children = null;
        if (Volatile.Read(ref _serviceCount) >= ServicesMax)
        {
            return false;
        }

        // Taken before it is used and given back when another thread was first with the name: the bound holds exactly.
        if (Interlocked.Increment(ref _serviceCount) > ServicesMax)
        {
            Interlocked.Decrement(ref _serviceCount);
            return _lookup.TryGetValue(serviceName, out children);
        }

        children = new Counter.Child?[_rules.Length];
        if (!_lookup.TryAdd(serviceName, children))
        {
            Interlocked.Decrement(ref _serviceCount);
            return _lookup.TryGetValue(serviceName, out children);
        }

        return true;
    }

    // Two threads may both come here; the registry gives both the same child.
    private Counter.Child Add(Counter.Child?[] children, int rule, string service)
    {
        var child = (_rules[rule].IsMark ? _marked : _failing).WithLabels(_rules[rule].Failure, _rules[rule].Rule, service);
        children[rule] = child;
        return child;
    }

    private static string NameOf(ReadOnlySpan<byte> serviceName) => serviceName.IsEmpty ? Unnamed : Encoding.UTF8.GetString(serviceName);

    /// <summary>Compares names by their bytes. Its hash is seeded by process, so that chosen names cannot be made to collide.</summary>
    private sealed class ServiceNameComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly ServiceNameComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
