using OtlpTap.Health;
using OtlpTap.Health.Steps;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Spans;

namespace OtlpTap.Tests.Health;

/// <summary>Reads requests, and remembers what it was told of.</summary>
internal sealed class ObservedSteps : ISpanFactObserver
{
    private readonly SpanReader _reader;
    private readonly SpanWalk _walk;
    private readonly RequestScanner _scanner;

    public ObservedSteps(CompiledRules? rules = null, params ISpanFactObserver[] others)
    {
        Owners = new TraceOwners();
        _reader = new SpanReader([this, .. others], Owners);
        _walk = new SpanWalk([_reader]);
        _scanner = new RequestScanner(rules ?? CompiledRules.None);
    }

    public TraceOwners Owners { get; }

    public List<SpanFact> Facts { get; } = [];

    public void Observed(ReadOnlySpan<SpanFact> facts) => Facts.AddRange(facts);

    public ObservedSteps Read(ReadOnlySpan<byte> request)
    {
        var scan = new ScanResult();
        _scanner.TryScan(Signal.Traces, request, scan, out _);
        _reader.Begin(scan);
        _walk.Read(request, WatchedKeys.None);
        _reader.End();
        return this;
    }
}
