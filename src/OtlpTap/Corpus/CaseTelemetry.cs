using System.Buffers;
using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Corpus;

using OtlpTap.Recorder;

/// <summary>All that is known of a trace's spans, or of its logs.</summary>
internal readonly record struct JoinedItems(byte[] Request, int Count, bool IsTooLarge, bool IsChanged)
{
    public static JoinedItems Of(TraceAssembler items, int countBefore, bool isTooLarge) =>
        new(items.Build(), items.ItemCount, isTooLarge || items.IsTooLarge, items.ItemCount > countBefore);
}

/// <summary>The traces and logs of a case: what its files have, joined with what the recorder has, redacted. Not thread-safe.</summary>
internal sealed class CaseTelemetry(CaseDirectory directory, CaseRedactor redactor, BrokenFiles broken, int traceBytesMax)
{
    /// <summary>Files that lost their case's own file and are of another trace: they are kept, under another name.</summary>
    public void SetAsideOthers(string path, in TraceId traceId)
    {
        foreach (var (signal, name) in new[] { (Signal.Traces, CaseDirectory.TraceFile), (Signal.Logs, CaseDirectory.LogsFile) })
        {
            if (CaseDirectory.Read(path, name) is { } json)
            {
                var request = new ArrayBufferWriter<byte>();
                var mine = new TraceAssembler(signal, traceId, Array.MaxLength);
                if (OtlpJson.TryRead(signal, json, request, out _, Array.MaxLength) && mine.TryAdd(request.WrittenSpan) && mine.ItemCount == 0)
                {
                    broken.SetAside(path, name, "its case.json is gone, and it is of another trace");
                }
            }
        }
    }

    /// <summary>The items of a file of the case and, behind them, those of the recorder that are not in it, redacted.</summary>
    public JoinedItems Join(Signal signal, string path, string fileName, TraceAssembler recorded, in TraceId traceId)
    {
        var redacted = new TraceAssembler(signal, traceId, Array.MaxLength);
        redacted.TryAdd(redactor.Request(signal, recorded.Build()));
        var isTooLarge = recorded.IsTooLarge;
        if (CaseDirectory.Read(path, fileName) is not { } json)
        {
            return JoinedItems.Of(redacted, 0, isTooLarge);
        }

        var existing = new ArrayBufferWriter<byte>();
        if (!OtlpJson.TryRead(signal, json, existing, out var error, Array.MaxLength))
        {
            broken.SetAside(path, fileName, $"{error.Message} at byte {error.ByteOffset}");
            return JoinedItems.Of(redacted, 0, isTooLarge);
        }

        // Both went through JSON: so equal spans have equal bytes, whatever order their sender wrote the fields in.
        // The limit is for what is new: what the case has stays, whatever the limit was then.
        var joined = new TraceAssembler(signal, null, Array.MaxLength);
        joined.TryAdd(existing.WrittenSpan);
        var before = joined.ItemCount;
        joined.BytesMax = traceBytesMax;
        joined.TryAdd(ThroughJson(signal, redacted.Build()));
        return JoinedItems.Of(joined, before, isTooLarge);
    }

    /// <summary>False: something in it has no place in OTLP/JSON (values nested beyond measure) and was left out.</summary>
    public bool Write(Signal signal, string path, string fileName, in JoinedItems joined)
    {
        var isWhole = true;
        if (joined.IsChanged)
        {
            var request = joined.Request;
            directory.Write(path, fileName, json => isWhole = OtlpJson.Write(signal, request, json));
        }

        return isWhole;
    }

    /// <summary>False: everything was there already.</summary>
    public bool WriteFurther(string path, CaseFragments fragments)
    {
        var traceId = fragments.TraceId;
        var folder = Path.Combine(path, CaseDirectory.TracesFolder);
        var spans = Join(Signal.Traces, folder, $"{traceId}.json", fragments.Spans, traceId);
        var logs = Join(Signal.Logs, folder, $"{traceId}.logs.json", fragments.Logs, traceId);
        Write(Signal.Traces, folder, $"{traceId}.json", spans);
        Write(Signal.Logs, folder, $"{traceId}.logs.json", logs);
        return spans.IsChanged || logs.IsChanged;
    }

    public static bool HasFurther(string path, in TraceId traceId) => File.Exists(FileOf(path, traceId));

    public void RemoveFurther(string path, in TraceId traceId)
    {
        directory.Delete(FileOf(path, traceId));
        directory.Delete(Path.Combine(path, CaseDirectory.TracesFolder, $"{traceId}.logs.json"));
    }

    private static string FileOf(string path, in TraceId traceId) => Path.Combine(path, CaseDirectory.TracesFolder, $"{traceId}.json");

    private static ReadOnlySpan<byte> ThroughJson(Signal signal, byte[] request)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            OtlpJson.Write(signal, request, writer);
        }

        var same = new ArrayBufferWriter<byte>();
        return OtlpJson.TryRead(signal, json.WrittenSpan, same, out var error, Array.MaxLength)
            ? same.WrittenSpan
            : throw new InvalidOperationException($"A request written as OTLP/JSON cannot be read back: {error.Message} at byte {error.ByteOffset}");
    }
}
