using System.Buffers;
using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Corpus;

using OtlpTap.Recorder;

/// <summary>All of a trace that the recorder holds, and what was fetched of it.</summary>
internal sealed class CaseFragments(in TraceId traceId, int bytesMax)
{
    public TraceId TraceId { get; } = traceId;

    public TraceAssembler Spans { get; } = new(Signal.Traces, traceId, bytesMax);

    public TraceAssembler Logs { get; } = new(Signal.Logs, traceId, bytesMax);

    public bool IsMalformed { get; set; }

    /// <summary>Where a part of it does not come from the recorder.</summary>
    public FetchedTrace? Fetched { get; private set; }

    public int ItemCount => Spans.ItemCount + Logs.ItemCount;

    /// <param name="recorder">Null where all traces come with their captures.</param>
    /// <param name="casePath">The case that has the trace already; null when it is new.</param>
    public static CaseFragments Of(Capture capture, Recorder? recorder, int bytesMax, string? casePath = null)
    {
        var fragments = new CaseFragments(capture.TraceId, bytesMax);
        recorder?.Visit(capture.TraceId, fragments, static (in fragment, into) =>
        {
            var assembler = fragment.Signal == Signal.Logs ? into.Logs : into.Spans;
            into.IsMalformed |= !assembler.TryAdd(fragment.Request);
        });
        if (capture.Fetched is { } fetched)
        {
            fragments.Add(fetched, casePath);
        }

        return fragments;
    }

    public AgentRun ReadRun() => ReadRun(Spans.Build(), Logs.Build()) ?? new AgentRun(TraceId, []);

    public static AgentRun? ReadRun(byte[] spans, byte[] logs) => AgentRunReader.Read(spans, logs, RunLimits.Default) is [var run, ..] ? run : null;

    private void Add(FetchedTrace fetched, string? casePath)
    {
        byte[] Known(Signal signal, TraceAssembler recorded, params ReadOnlySpan<string> files)
        {
            var known = new ArrayBufferWriter<byte>();
            known.Write(recorded.Build());
            foreach (var file in files)
            {
                if (casePath is not null && CaseDirectory.Read(casePath, file) is { } json)
                {
                    // What cannot be read is set aside where it is joined.
                    OtlpJson.TryRead(signal, json, known, out _, Array.MaxLength);
                }
            }

            return known.WrittenSpan.ToArray();
        }

        try
        {
            var spans = FetchedItems.SpansNotIn(Known(Signal.Traces, Spans, CaseDirectory.TraceFile, $"{CaseDirectory.TracesFolder}/{TraceId}.json"), fetched.Spans);
            var logs = FetchedItems.LogsNotIn(Known(Signal.Logs, Logs, CaseDirectory.LogsFile, $"{CaseDirectory.TracesFolder}/{TraceId}.logs.json"), fetched.Logs);
            var before = ItemCount;
            IsMalformed |= !Spans.TryAdd(spans) | !Logs.TryAdd(logs);
            Fetched = ItemCount > before ? fetched : null;
        }
        catch (Google.Protobuf.InvalidProtocolBufferException)
        {
            IsMalformed = true;
        }
    }
}
