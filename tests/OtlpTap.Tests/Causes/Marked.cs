using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Buffers;
using OtlpTap.Causes;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Rules.Packs;
using OtlpTap.Scan;
using OtlpTap.Tag;
using OtlpTap.Tests.Scan;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Causes;

/// <summary>A request after scan, marking and tagging, as the line does it.</summary>
internal sealed class Marked
{
    public static readonly Lazy<CompiledRules> Packs = new(() => CompiledRules.Compile(RulePacks.Load([RulePacks.All], [])!, [])!);

    private Marked(ScanResult scan, bool isComplete, IReadOnlyList<Span> spans)
    {
        Scan = scan;
        IsComplete = isComplete;
        Spans = spans;
    }

    public ScanResult Scan { get; }

    public bool IsComplete { get; }

    /// <summary>As they go on.</summary>
    public IReadOnlyList<Span> Spans { get; }

    /// <summary>Spans that count as failures, by name.</summary>
    public IEnumerable<string> Causes => Spans.Where(span => TextOf(span, "otlptap.failure") is not null && TextOf(span, "otlptap.failure.origin") is null).Select(span => span.Name);

    /// <summary>Spans that repeat one, with its name.</summary>
    public IEnumerable<(string Name, string Origin)> Repeating => Spans
        .Where(span => TextOf(span, "otlptap.failure.origin") is not null)
        .Select(span => (span.Name, Spans.FirstOrDefault(other => Hex(other.SpanId) == TextOf(span, "otlptap.failure.origin"))?.Name ?? TextOf(span, "otlptap.failure.origin")!));

    public static Marked Of(TraceBuilder request, CompiledRules? rules = null, CauseLedger? ledger = null) => Of(request.ToBytes(), rules, ledger);

    public static Marked Of(byte[] request, CompiledRules? rules = null, CauseLedger? ledger = null)
    {
        var scan = new ScanResult();
        Assert.True(new RequestScanner(rules ?? Packs.Value).TryScan(Signal.Traces, request, scan, out _));
        var isComplete = new CauseMarker(ledger ?? new CauseLedger()).TryMark(request, scan);
        using var pool = new Rented(request);
        var bytes = Tagger.TryTag(pool.Payload, scan, pool.Pool, out var tagged) ? tagged.Span.ToArray() : request;
        var parsed = ExportTraceServiceRequest.Parser.ParseFrom(bytes);
        return new Marked(scan, isComplete, [.. parsed.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)]);
    }

    public static string? TextOf(Span span, string key) => span.Attributes.FirstOrDefault(attribute => attribute.Key == key)?.Value.StringValue;

    public static string Hex(ByteString id) => Convert.ToHexStringLower(id.Span);

    private sealed class Rented : IDisposable
    {
        public Rented(byte[] request)
        {
            Payload = Pool.Rent(request.Length);
            request.CopyTo(Payload.Writable);
        }

        public PayloadPool Pool { get; } = new();

        public Payload Payload { get; }

        public void Dispose() => Payload.Release();
    }
}
