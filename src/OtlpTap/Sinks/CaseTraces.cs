using System.Buffers;
using OtlpTap.Corpus;
using OtlpTap.Otlp;

namespace OtlpTap.Sinks;

using OtlpTap.Recorder;

/// <summary>The trace of a case as serialized requests: from the case's files, redacted, or from the recorder, as it came.</summary>
internal sealed class CaseTraces(Recorder recorder)
{
    // The largest that a case's own limit allows, twice: JSON of it is larger.
    private const int RequestBytesMax = 512 << 20;

    public static long BytesOf(string casePath, in TraceId traceId) => new FileInfo(FileOf(casePath, traceId, Signal.Traces)) is { Exists: true } file ? file.Length : 0;

    /// <summary>Empty where the case has none of the signal.</summary>
    /// <param name="isRedacted">False: what the recorder still holds, or else what the case has.</param>
    /// <exception cref="IOException">The file is gone, cannot be read, or is no OTLP/JSON any more.</exception>
    public byte[] Read(SinkItem item, Signal signal, bool isRedacted)
    {
        if (!isRedacted)
        {
            var assembler = new TraceAssembler(signal, item.TraceId, RequestBytesMax);
            recorder.Visit(item.TraceId, (assembler, signal), static (in fragment, into) =>
            {
                if (fragment.Signal == into.signal)
                {
                    into.assembler.TryAdd(fragment.Request);
                }
            });
            if (assembler.ItemCount > 0)
            {
                return assembler.Build();
            }
        }

        var path = FileOf(item.CasePath, item.TraceId, signal);
        if (signal == Signal.Logs && !File.Exists(path))
        {
            return [];
        }

        var request = new ArrayBufferWriter<byte>();
        return OtlpJson.TryRead(signal, File.ReadAllBytes(path), request, out var error, RequestBytesMax)
            ? request.WrittenSpan.ToArray()
            : throw new IOException($"{path}: {error}");
    }

    /// <summary>A trace is the case's first one, or one of its further ones.</summary>
    private static string FileOf(string casePath, in TraceId traceId, Signal signal)
    {
        var further = Path.Combine(casePath, CaseDirectory.TracesFolder, signal == Signal.Logs ? $"{traceId}.logs.json" : $"{traceId}.json");
        var isFurther = File.Exists(Path.Combine(casePath, CaseDirectory.TracesFolder, $"{traceId}.json"));
        return isFurther ? further : Path.Combine(casePath, signal == Signal.Logs ? CaseDirectory.LogsFile : CaseDirectory.TraceFile);
    }
}
