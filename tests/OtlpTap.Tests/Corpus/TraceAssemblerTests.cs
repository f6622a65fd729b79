using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Corpus;
using OtlpTap.Recorder;
using OtlpTap.Otlp;
using OtlpTap.Redact;
using OtlpTap.Verdicts;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Corpus;

public sealed class TraceAssemblerTests
{
    [Fact]
    public void All_that_the_schema_does_not_know_is_kept()
    {
        // Field 99 on each level, and the resource behind its spans.
        var request = Message(1, [
            .. Message(2, [.. Message(2, [.. Span(7, 1).ToByteArray(), .. Message(99, [1])]), .. Message(99, [2]), .. Message(1, [])]),
            .. Message(99, [3]),
            .. Message(1, [])]);
        var assembler = new TraceAssembler(Signal.Traces, Trace(7), 1 << 20);

        Assert.True(assembler.TryAdd(request));
        Assert.Equal(
            Message(1, [
                .. Message(99, [3]),
                .. Message(1, []),
                .. Message(2, [.. Message(99, [2]), .. Message(1, []), .. Message(2, [.. Span(7, 1).ToByteArray(), .. Message(99, [1])])])]),
            assembler.Build());
    }

    [Fact]
    public void Equal_resources_and_scopes_of_different_requests_become_one()
    {
        var assembler = new TraceAssembler(Signal.Traces, Trace(7), 1 << 20);
        for (var number = 1; number <= 10; number++)
        {
            Assert.True(assembler.TryAdd(RequestFrom(number % 2 == 0 ? "agent" : "tool", Span(7, number)).ToByteArray()));
        }

        var trace = ExportTraceServiceRequest.Parser.ParseFrom(assembler.Build());
        Assert.Equal(2, trace.ResourceSpans.Count);
        Assert.All(trace.ResourceSpans, resource => Assert.Equal(5, Assert.Single(resource.ScopeSpans).Spans.Count));
        Assert.Equal(10, assembler.ItemCount);
    }

    [Fact]
    public void A_request_of_one_trace_comes_out_as_it_went_in()
    {
        var request = Request(Enumerable.Range(1, 50).Select(number => Span(7, number))).ToByteArray();
        var assembler = new TraceAssembler(Signal.Traces, Trace(7), 1 << 20);

        Assert.True(assembler.TryAdd(request));
        Assert.Equal(ExportTraceServiceRequest.Parser.ParseFrom(request), ExportTraceServiceRequest.Parser.ParseFrom(assembler.Build()));
    }

    [Fact]
    public void Truncated_anywhere_a_request_never_throws_and_gives_whole_spans_only()
    {
        var request = Request(Span(7, 1), Span(8, 1), Span(7, 2, failed: true)).ToByteArray();
        for (var length = 0; length < request.Length; length++)
        {
            var assembler = new TraceAssembler(Signal.Traces, Trace(7), 1 << 20);
            Assert.Equal(length == 0, assembler.TryAdd(request.AsSpan(0, length)));
            ExportTraceServiceRequest.Parser.ParseFrom(assembler.Build());
        }
    }

    [Fact]
    public void Any_byte_changed_never_throws_and_gives_a_well_formed_request()
    {
        var request = Request(Span(7, 1), Span(7, 2, failed: true)).ToByteArray();
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var mutated = (byte[])request.Clone();
            mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            var assembler = new TraceAssembler(Signal.Traces, null, 1 << 20);
            assembler.TryAdd(mutated);
            TraceSummary.Read(assembler.Build());
        }
    }

    [Fact]
    public void Many_large_resources_do_not_take_more_than_one_beyond_the_limit()
    {
        var assembler = new TraceAssembler(Signal.Traces, Trace(7), 100_000);
        for (var number = 1; number <= 100; number++)
        {
            Assert.True(assembler.TryAdd(RequestFrom(new string((char)('0' + (number % 75)), 50_000), Span(7, number)).ToByteArray()));
        }

        Assert.True(assembler.IsTooLarge);
        Assert.InRange(assembler.Build().Length, 50_000, 160_000);
    }

    public static TheoryData<string> Fixtures() =>
        [.. Directory.EnumerateFiles(FixtureFolder, "*.otlp.pb", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(FixtureFolder, file)).Order()];

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void Every_trace_of_a_captured_request_is_whole_in_its_case(string fixture)
    {
        using var tap = new TapRig(new CorpusOptions { Redact = new RedactOptions { IsEnabled = false } });
        var request = File.ReadAllBytes(Path.Combine(FixtureFolder, fixture));
        if (fixture.Contains(".logs", StringComparison.Ordinal))
        {
            Assert.True(tap.TryReceive(Signal.Logs, request));
            foreach (var trace in LogsIn(ExportLogsServiceRequest.Parser.ParseFrom(request)).Where(record => record.TraceId.Length == 16).GroupBy(record => record.TraceId))
            {
                if (Captured(tap, trace.Key, "logs.json", Signal.Logs) is { } logs)
                {
                    Assert.Equal(trace.Distinct(), LogsIn(ExportLogsServiceRequest.Parser.ParseFrom(logs)));
                }
            }
        }
        else
        {
            Assert.True(tap.TryReceive(Signal.Traces, request));
            foreach (var trace in SpansIn(ExportTraceServiceRequest.Parser.ParseFrom(request)).GroupBy(span => span.TraceId))
            {
                if (Captured(tap, trace.Key, "trace.json", Signal.Traces) is { } spans)
                {
                    Assert.Equal(trace, SpansIn(ExportTraceServiceRequest.Parser.ParseFrom(spans)));
                }
            }
        }
    }

    private static string FixtureFolder => Path.Combine(AppContext.BaseDirectory, "fixtures");

    private static byte[]? Captured(TapRig tap, ByteString traceId, string file, Signal signal)
    {
        Assert.True(TraceId.TryRead(traceId.Span, out var trace));
        Assert.True(tap.Scheduler.TrySchedule(trace, new Verdict(default, "seen", "test", "test")));
        tap.Settle();
        var request = new System.Buffers.ArrayBufferWriter<byte>();
        var folder = tap.CaseFolders().SingleOrDefault(path => TapRig.ReadCase(path)!.TraceId == trace);
        if (folder is null)
        {
            // Of two traces that fail alike the second is counted.
            tap.Pass(40);
            Assert.Contains(tap.CaseFolders(), path => CaseStore.ReadSeen(path)?.Count > 1);
            return null;
        }

        var json = Path.Combine(folder, file);
        Assert.True(OtlpJson.TryRead(signal, File.ReadAllBytes(json), request, out var error), error.Message);
        return request.WrittenSpan.ToArray();
    }

    private static byte[] Message(int field, byte[] body)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream))
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(body));
        }

        return stream.ToArray();
    }
}
