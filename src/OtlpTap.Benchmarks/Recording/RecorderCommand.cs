using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Payloads;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;

namespace OtlpTap.Benchmarks.Recording;

using OtlpTap.Recorder;

/// <summary><c>recorder</c>: what recording a request costs beside the copy of its bytes, and how long a full ring takes to find a trace and to be found again.</summary>
internal static class RecorderCommand
{
    private const int LookUps = 2000;
    private const int RequestBytesMax = 64 << 20;

    private static readonly Option<int> Size = new("--size-mib") { Description = "Size of the ring (1024).", DefaultValueFactory = _ => 1024 };
    private static readonly Option<string> Directory = new("--directory") { Description = "Where the rings in files go; by default a temporary folder.", };
    private static readonly Option<string> Output = new("--output") { Description = "A Markdown file to write as well." };

    private static readonly (int Spans, string Title)[] Loads = [(1, "1 span"), (50, "50 spans"), (512, "512 spans")];
    private static readonly Kind[] Kinds = [new("memory", false, RecordEncoding.None), new("files", true, RecordEncoding.None), new("memory, zstd", false, RecordEncoding.Zstd), new("files, zstd", true, RecordEncoding.Zstd)];

    private sealed record Kind(string Title, bool IsInFiles, RecordEncoding Compression);

    public static Command Create()
    {
        var command = new Command("recorder", "Measures the recorder: append, look-up, memory beside the ring, recovery.") { Size, Directory, Output };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        var table = new StringBuilder();
        Line(table, "ring", "requests of", "bytes", "copy alone us", "append us", "beyond the copy us", "allocated B/append", "beside the ring %", "look-up p50 us", "p99 us", "max us", "found again ms");
        Line(table, "---", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:");
        foreach (var (spans, title) in Loads)
        {
            foreach (var kind in Kinds)
            {
                cancellation.ThrowIfCancellationRequested();
                var directory = Path.Combine(parsed.GetValue(Directory) ?? folder.Path, $"{spans}-{kind.Title.Replace(", ", "-", StringComparison.Ordinal)}");
                Measure(table, title, AgentTraces.Request(spans).ToByteArray(), kind, (long)parsed.GetValue(Size) << 20, directory);
                if (System.IO.Directory.Exists(directory))
                {
                    System.IO.Directory.Delete(directory, recursive: true);
                }
            }
        }

        await ResultFile.WriteAsync("The recorder", table.ToString(), parsed.GetValue(Output), cancellation);
        return 0;
    }

    private static void Measure(StringBuilder table, string title, byte[] request, Kind kind, long size, string directory)
    {
        var options = new RecorderOptions { SizeBytesMax = size, Directory = kind.IsInFiles ? directory : "", Compression = kind.Compression, RequestBytesMax = RequestBytesMax };
        var requests = new Requests(request);
        var copy = CopyAlone(requests, size);
        int appends;
        double append;
        double allocated;
        double beside;
        List<double> lookUps;
        using (var recorder = Open(options))
        {
            // Once around, so that every page is there; then what is measured.
            Fill(recorder, requests, () => recorder.HasForgotten);
            appends = (int)(size / request.Length);
            GC.Collect();
            var before = GC.GetAllocatedBytesForCurrentThread();
            append = Append(recorder, requests, appends);
            allocated = (double)(GC.GetAllocatedBytesForCurrentThread() - before) / appends;
            // The segment that is being filled counts for nothing: how full it is is chance.
            beside = 100.0 * Math.Max(0, recorder.MemoryBytes - recorder.RequestBytes - options.SegmentBytes) / size;
            lookUps = LookUp(recorder, requests);
        }

        var again = "";
        if (kind.IsInFiles)
        {
            var started = Stopwatch.GetTimestamp();
            using var recorder = Open(options);
            again = Text(Stopwatch.GetElapsedTime(started).TotalMilliseconds, "0.0");
        }

        Line(
            table,
            kind.Title,
            title,
            request.Length.ToString(CultureInfo.InvariantCulture),
            Text(copy, "0.00"),
            Text(append, "0.00"),
            Text(append - copy, "0.00"),
            Text(allocated, "0.0"),
            Text(beside, "0.00"),
            Text(Statistics.Percentile(CollectionsMarshal.AsSpan(lookUps), 0.5), "0"),
            Text(Statistics.Percentile(CollectionsMarshal.AsSpan(lookUps), 0.99), "0"),
            Text(lookUps[^1], "0"),
            again);
    }

    // The floor: the same bytes to memory that is in no cache either.
    private static unsafe double CopyAlone(Requests requests, long size)
    {
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)size, 4096);
        try
        {
            var count = (int)(size / requests.Bytes.Length);
            for (var round = 0; ; round++)
            {
                var started = Stopwatch.GetTimestamp();
                for (var i = 0; i < count; i++)
                {
                    requests.Next().CopyTo(new Span<byte>(memory + ((long)i * requests.Bytes.Length), requests.Bytes.Length));
                }

                if (round == 1)
                {
                    return Stopwatch.GetElapsedTime(started).TotalMicroseconds / count;
                }
            }
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    private static double Append(Recorder recorder, Requests requests, int count)
    {
        var left = count;
        var started = Stopwatch.GetTimestamp();
        Fill(recorder, requests, () => --left == 0);
        return Stopwatch.GetElapsedTime(started).TotalMicroseconds / count;
    }

    private static void Fill(Recorder recorder, Requests requests, Func<bool> isEnough)
    {
        var now = UnixTime.Now(TimeProvider.System);
        do
        {
            recorder.Append(Signal.Traces, now, requests.Next(), requests.TraceIds);
        }
        while (!isEnough());
    }

    // Of traces anywhere in the ring, the oldest included; a trace has one request or a few.
    private static List<double> LookUp(Recorder recorder, Requests requests)
    {
        var random = new Random(1);
        var held = (int)Math.Min(requests.Count, recorder.RequestBytes / requests.Bytes.Length);
        var times = new List<double>(LookUps);
        for (var i = 0; i < LookUps; i++)
        {
            var trace = requests.TraceOf(requests.Count - 1 - random.Next(held));
            var started = Stopwatch.GetTimestamp();
            var found = recorder.Visit(trace, 0, static (in _, _) => { });
            times.Add(Stopwatch.GetElapsedTime(started).TotalMicroseconds);
            if (found == 0)
            {
                throw new InvalidOperationException("A trace that the ring holds was not found.");
            }
        }

        times.Sort();
        return times;
    }

    private static Recorder Open(RecorderOptions options) =>
        new(options, new RecorderMetrics(Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry())), TimeProvider.System, NullLogger.Instance);

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static void Line(StringBuilder table, params IEnumerable<string> cells) => table.Append("| ").AppendJoin(" | ", cells).Append(" |\n");

    /// <summary>One request again and again, each time with trace ids of its own in the places of the first's.</summary>
    private sealed class Requests
    {
        private readonly List<(int Offset, TraceId First)> _places = [];
        private readonly TraceId[] _traceIds;

        public Requests(byte[] bytes)
        {
            Bytes = bytes;
            var scan = new ScanResult();
            if (!new RequestScanner(CompiledRules.None).TryScan(Signal.Traces, bytes, scan, out _))
            {
                throw new InvalidOperationException("The request is malformed.");
            }

            _traceIds = scan.TraceIds.ToArray();
            Span<byte> id = stackalloc byte[TraceId.Length];
            for (var i = 0; i < _traceIds.Length; i++)
            {
                _traceIds[i].WriteTo(id);
                for (var at = 0; bytes.AsSpan(at).IndexOf(id) is >= 0 and var next; at += next + id.Length)
                {
                    _places.Add((at + next, _traceIds[i]));
                }
            }
        }

        public byte[] Bytes { get; }

        public ReadOnlySpan<TraceId> TraceIds => _traceIds;

        public int Count { get; private set; }

        /// <summary>The first trace of a request, by its number.</summary>
        public TraceId TraceOf(int number) => new((ulong)number + 1, _places[0].First.Low);

        public ReadOnlySpan<byte> Next()
        {
            Count++;
            foreach (var (offset, first) in _places)
            {
                new TraceId((ulong)Count, first.Low).WriteTo(Bytes.AsSpan(offset));
            }

            for (var i = 0; i < _traceIds.Length; i++)
            {
                _traceIds[i] = new TraceId((ulong)Count, _traceIds[i].Low);
            }

            return Bytes;
        }
    }
}
