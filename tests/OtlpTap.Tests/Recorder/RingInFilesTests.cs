using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Tests.EndToEnd;
using Prometheus;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Recorder;

using OtlpTap.Recorder;

/// <summary>
/// A ring in files as the next process finds it. A process that is killed leaves its files as they are at that moment, so
/// they are copied while the recorder goes on, and opened from the copy.
/// </summary>
public sealed class RingInFilesTests : IDisposable
{
    private const int SegmentBytes = 16 << 10;

    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ListLogger<Recorder> _log = new();
    private readonly TapFiles _files = new();
    private readonly List<Recorder> _recorders = [];
    private int _copies;

    private string Ring => Path.Combine(_files.Directory, "ring");

    [Fact]
    public void What_was_recorded_is_found_by_the_next_process()
    {
        var recorder = Open(Ring);
        Record(recorder, 1, 200);
        recorder.Dispose();

        AssertHolds(Open(Ring), 1, 200);
    }

    [Fact]
    public void What_a_killed_process_recorded_is_found_after_every_request()
    {
        var recorder = Open(Ring);
        for (var number = 1; number <= 60; number++)
        {
            Record(recorder, number, number, bytes: number % 7 == 0 ? 40_000 : 900);
            var next = Open(Killed());
            AssertHolds(next, 1, number);
            next.Dispose();
        }

        Assert.Equal(0, Value("otlptap_recorder_damaged_requests_total"));
    }

    [Fact]
    public void The_next_process_records_on_where_the_last_one_ended_and_is_found_again_in_turn()
    {
        for (var round = 0; round < 30; round++)
        {
            var recorder = Open(Ring);
            AssertHolds(recorder, 1, round * 5);
            Record(recorder, (round * 5) + 1, (round * 5) + 5, bytes: round == 20 ? 20_000 : 500);
            recorder.Dispose();
        }

        // Not a segment for each restart.
        Assert.InRange(Directory.GetFiles(Ring, "*.ring").Length, 1, 16);
    }

    [Fact]
    public void Positions_go_on_across_restarts()
    {
        var recorder = Open(Ring);
        Record(recorder, 1, 5);
        var fifth = recorder.LastPosition;
        Record(recorder, 6, 50);
        recorder.Dispose();

        recorder = Open(Ring);
        var found = recorder.LastPosition;
        Record(recorder, 51, 52);
        var seen = new List<int>();
        recorder.VisitBetween(fifth, found, seen, static (in fragment, numbers) => numbers.Add(NumberIn(fragment.Request)));

        Assert.Equal(Enumerable.Range(6, 45), seen);
        Assert.True(recorder.LastPosition > found);
    }

    [Fact]
    public void A_ring_in_files_keeps_to_its_size_and_its_files_to_the_ring()
    {
        var recorder = Open(Ring, size: 128 << 10);
        Record(recorder, 1, 1000);
        var held = Enumerable.Range(1, 1000).Count(number => recorder.Find(Trace(number)).Count > 0);
        recorder.Dispose();

        Assert.InRange(Directory.GetFiles(Ring, "*.ring").Sum(file => new FileInfo(file).Length), 128 << 10, recorder.MemoryBytesMax * 2);
        var next = Open(Ring, size: 128 << 10);
        AssertHolds(next, 1000 - held + 1, 1000);
        Assert.Empty(next.Find(Trace(1000 - held)));
        Assert.True(next.HasForgotten);
    }

    [Fact]
    public void A_ring_that_was_made_smaller_forgets_its_oldest()
    {
        var recorder = Open(Ring, size: 1 << 20);
        Record(recorder, 1, 800);
        recorder.Dispose();

        recorder = Open(Ring, size: 64 << 10);
        Record(recorder, 801, 900);
        AssertHolds(recorder, 870, 900);
        Assert.InRange(recorder.MemoryBytes, 0, recorder.MemoryBytesMax);
        recorder.Dispose();
        Assert.InRange(Directory.GetFiles(Ring, "*.ring").Length, 1, (int)(recorder.MemoryBytesMax / SegmentBytes) + 2);
    }

    [Fact]
    public void What_has_become_too_old_meanwhile_is_gone_with_its_files()
    {
        var recorder = Open(Ring);
        Record(recorder, 1, 200);
        recorder.Dispose();

        _time.Advance(TimeSpan.FromHours(2));
        recorder = Open(Ring);
        Assert.Empty(recorder.Find(Trace(200)));
        Assert.InRange(Directory.GetFiles(Ring, "*.ring").Length, 0, 1);
    }

    [Fact]
    public void Old_files_are_deleted_where_nothing_new_comes()
    {
        var recorder = Open(Ring);
        Record(recorder, 1, 200);
        _time.Advance(TimeSpan.FromHours(2));
        recorder.Trim();

        Assert.Single(Directory.GetFiles(Ring, "*.ring")); // the one that is being filled
    }

    [Fact]
    public void Compressed_records_are_found_and_take_less()
    {
        var recorder = Open(Ring, compression: RecordEncoding.Zstd);
        Record(recorder, 1, 200, bytes: 5000);
        Assert.InRange(recorder.RequestBytes, 1, 200 * 1000);
        AssertHolds(recorder, 1, 200, bytes: 5000);
        recorder.Dispose();

        // Whoever reads them need not compress.
        AssertHolds(Open(Ring), 1, 200, bytes: 5000);
    }

    [Fact]
    public void Of_a_file_that_ends_at_any_byte_every_whole_request_is_found()
    {
        var recorder = Open(Ring);
        Record(recorder, 1, 40);
        recorder.Dispose();
        var file = Assert.Single(Directory.GetFiles(Ring, "*.ring"), path => new FileInfo(path).Length > 0 && path.EndsWith("0000.ring", StringComparison.Ordinal));
        var bytes = File.ReadAllBytes(file);
        var starts = Enumerable.Range(1, 40).Select(number => bytes.AsSpan().IndexOf(Bytes(Trace(number)).Span)).ToList();

        foreach (var length in Cuts(bytes.Length))
        {
            var copy = Killed();
            using (var stream = new FileStream(Path.Combine(copy, Path.GetFileName(file)), FileMode.Open))
            {
                stream.SetLength(length);
            }

            var next = Open(copy);
            for (var number = 1; number <= 40; number++)
            {
                var isWhole = starts[number - 1] < 0 || (length >= 128 && starts[number - 1] + 900 < length);
                Assert.True(!isWhole || length < 4096 || next.Find(Trace(number)).Count == 1, $"cut at {length}: request {number} is lost");
            }

            AssertOnlyWhole(next, 40);
            Record(next, 41, 80);
            AssertHolds(next, 41, 80);
            next.Dispose();
        }
    }

    [Fact]
    public void A_bit_that_flipped_costs_one_request_at_most_and_is_never_read_as_one()
    {
        var recorder = Open(Ring);
        Record(recorder, 1, 12);
        var killed = Killed(); // not sealed: gone through record by record
        Record(recorder, 13, 40);
        recorder.Dispose();
        var random = new Random(5);
        foreach (var (directory, count) in new[] { (killed, 12), (Ring, 40) })
        {
            for (var round = 0; round < 300; round++)
            {
                var copy = CopyOf(directory);
                Flip(copy, random, from: 4096);
                var next = Open(copy);
                var found = AssertOnlyWhole(next, count);
                Assert.InRange(found, count - 1, count);
                next.Dispose();
                Directory.Delete(copy, recursive: true);
            }
        }
    }

    [Fact]
    public void Pages_that_the_disk_lost_cost_what_was_on_them()
    {
        var recorder = Open(Ring);
        Record(recorder, 1, 60);
        recorder.Dispose();
        var random = new Random(6);
        for (var round = 0; round < 100; round++)
        {
            var copy = CopyOf(Ring);
            var files = Directory.GetFiles(copy, "*.ring").Order().ToArray();
            using (var stream = new FileStream(files[random.Next(files.Length)], FileMode.Open))
            {
                stream.Position = random.Next(1, (int)(stream.Length / 4096)) * 4096;
                stream.Write(new byte[4096]);
            }

            var next = Open(copy);
            Assert.InRange(AssertOnlyWhole(next, 60), 60 - 7, 60);
            Record(next, 61, 120);
            AssertHolds(next, 61, 120);
            next.Dispose();
            Directory.Delete(copy, recursive: true);
        }
    }

    [Fact]
    public void Headers_that_are_damaged_are_set_aside_and_counted_and_the_rest_is_found()
    {
        var recorder = Open(Ring);
        Record(recorder, 1, 200);
        recorder.Dispose();
        var files = Directory.GetFiles(Ring, "*.ring").Order().ToArray();
        Overwrite(files[1], 0, new byte[4096]);
        Overwrite(files[2], 40, [0xff]);
        Overwrite(files[3], 0, "%PDF-1.7"u8.ToArray());

        var next = Open(Ring);

        Assert.Equal(3, Value("otlptap_recorder_set_aside_segments_total"));
        Assert.Equal(3, Directory.GetFiles(Ring, "*.corrupt").Length);
        Assert.Contains(_log.Messages, line => line.Contains(files[2], StringComparison.Ordinal) && line.Contains("its header is damaged", StringComparison.Ordinal));
        var found = AssertOnlyWhole(next, 200);
        Assert.InRange(found, 200 - (4 * 18), 200 - (3 * 10));
        Record(next, 201, 230);
        AssertHolds(next, 201, 230);
    }

    [Fact]
    public void Two_files_of_one_place_in_the_ring_do_not_make_two_requests_of_one()
    {
        var recorder = Open(Ring);
        Record(recorder, 1, 60);
        recorder.Dispose();
        File.Copy(Path.Combine(Ring, "0000000001.ring"), Path.Combine(Ring, "0000000777.ring"));

        var next = Open(Ring);

        AssertHolds(next, 1, 60);
        Assert.Equal(1, Value("otlptap_recorder_set_aside_segments_total"));
    }

    [Fact]
    public void A_directory_that_another_recorder_has_is_refused()
    {
        Open(Ring);

        var refused = Assert.Throws<RecorderException>(() => Open(Ring));
        Assert.StartsWith($"recorder.directory {Ring} is in use by another process", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_that_cannot_be_used_is_said_and_counted_and_recording_goes_on_in_memory()
    {
        var blocked = Path.Combine(_files.Directory, "a-file");
        File.WriteAllText(blocked, "");

        var recorder = Open(Path.Combine(blocked, "ring"));
        Record(recorder, 1, 50);

        AssertHolds(recorder, 1, 50);
        Assert.Null(recorder.Directory);
        Assert.Equal(1, Value("otlptap_recorder_disk_failures_total"));
        Assert.Contains("recording goes on in memory", Assert.Single(_log.Messages), StringComparison.Ordinal);
    }

    [Fact]
    public void A_disk_that_fills_up_lets_recording_go_on_in_memory_and_is_used_again_when_it_has_room()
    {
        var recorder = Open(Ring);
        Record(recorder, 1, 30);
        recorder.FileCreating = () => throw new IOException("No space left on device");
        Record(recorder, 31, 90);
        AssertHolds(recorder, 1, 90);
        Assert.Equal(1, Value("otlptap_recorder_disk_failures_total")); // and not once for each segment
        Assert.Contains("No space left on device", Assert.Single(_log.Messages), StringComparison.Ordinal);

        recorder.FileCreating = null;
        _time.Advance(TimeSpan.FromMinutes(1));
        Record(recorder, 91, 150);
        AssertHolds(recorder, 1, 150);
        Assert.Contains("takes files again", _log.Messages[^1], StringComparison.Ordinal);
        recorder.PublishMetrics();
        Assert.True(Value("otlptap_recorder_file_bytes") < Value("otlptap_recorder_memory_bytes"));
        recorder.Dispose();

        // What was in memory is lost, what was in files before and behind it is not.
        var next = Open(Ring);
        AssertHolds(next, 1, 16);
        AssertHolds(next, 140, 150);
        Assert.Empty(next.Find(Trace(60)));
        Record(next, 151, 300);
        AssertHolds(next, 151, 300);
    }

    [Fact]
    public void With_a_full_disk_the_memory_that_stands_in_is_bounded()
    {
        var recorder = Open(Ring, size: 1 << 20, anonymous: 64 << 10);
        Record(recorder, 1, 200);
        recorder.FileCreating = () => throw new IOException("No space left on device");
        Record(recorder, 201, 3000);
        recorder.PublishMetrics();

        Assert.InRange(Value("otlptap_recorder_memory_bytes") - Value("otlptap_recorder_file_bytes"), 1, 64 << 10);
        AssertHolds(recorder, 2990, 3000);
    }

    [Fact]
    public void An_append_to_files_allocates_nothing_once_the_ring_turns()
    {
        var recorder = Open(Ring, size: 256 << 10);
        var request = Request(Span(1, 1)).ToByteArray();
        TraceId[] traces = [Trace(1)];
        Append(5000);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Append(5000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Append(int count)
        {
            for (var i = 0; i < count; i++)
            {
                recorder.Append(Signal.Traces, UnixTime.Now(_time), request, traces);
            }
        }
    }

    [Fact]
    public void Files_are_for_their_owner_alone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "modes are Unix's");
        Record(Open(Ring), 1, 1);
#pragma warning disable CA1416 // skipped there
        Assert.All(Directory.GetFiles(Ring), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Ring));
#pragma warning restore CA1416
    }

    public void Dispose()
    {
        _recorders.ForEach(recorder => recorder.Dispose());
        _files.Dispose();
    }

    private static IEnumerable<int> Cuts(int length)
    {
        var random = new Random(4);
        return [0, 1, 7, 8, 63, 64, 111, 112, 4095, 4096, 4097, .. Enumerable.Range(0, 150).Select(_ => random.Next(4096, length)), length - 8, length - 1];
    }

    private static void Flip(string directory, Random random, int from)
    {
        var files = Directory.GetFiles(directory, "*.ring").Order().ToArray();
        var file = files[random.Next(files.Length)];
        using var stream = new FileStream(file, FileMode.Open);
        var offset = random.Next(from, (int)stream.Length);
        stream.Position = offset;
        var value = stream.ReadByte();
        stream.Position = offset;
        stream.WriteByte((byte)(value ^ (1 << random.Next(8))));
    }

    private static void Overwrite(string file, int offset, byte[] bytes)
    {
        using var stream = new FileStream(file, FileMode.Open);
        stream.Position = offset;
        stream.Write(bytes);
    }

    private static byte[] RequestOf(int number, int bytes) =>
        Request(new OpenTelemetry.Proto.Trace.V1.Span { TraceId = Bytes(Trace(number)), SpanId = Bytes(SpanOf(number)), Name = new string((char)('a' + (number % 26)), bytes) }).ToByteArray();

    private static int NumberIn(ReadOnlySpan<byte> request) =>
        (int)BitConverter.ToInt64(Assert.Single(SpansIn(OpenTelemetry.Proto.Collector.Trace.V1.ExportTraceServiceRequest.Parser.ParseFrom(request))).SpanId.ToByteArray().Reverse().ToArray());

    private void Record(Recorder recorder, int first, int last, int bytes = 700)
    {
        for (var number = first; number <= last; number++)
        {
            Assert.Equal(AppendOutcome.Recorded, recorder.Append(Signal.Traces, UnixTime.Now(_time), RequestOf(number, bytes), [Trace(number)]));
        }
    }

    private static void AssertHolds(Recorder recorder, int first, int last, int? bytes = null)
    {
        for (var number = first; number <= last; number++)
        {
            var found = recorder.Find(Trace(number));
            Assert.True(found.Count == 1, $"request {number} of {first} to {last} was found {found.Count} times");
            Assert.Equal(number, NumberIn(found[0].Request.Span));
            if (bytes is { } length)
            {
                Assert.Equal(RequestOf(number, length), found[0].Request.ToArray());
            }
        }
    }

    /// <summary>How many of the requests are there; each as it was sent.</summary>
    private static int AssertOnlyWhole(Recorder recorder, int count)
    {
        var found = 0;
        for (var number = 1; number <= count; number++)
        {
            var requests = recorder.Find(Trace(number));
            Assert.InRange(requests.Count, 0, 1);
            Assert.All(requests, request => Assert.Equal(RequestOf(number, 700), request.Request.ToArray()));
            found += requests.Count;
        }

        return found;
    }

    private string Killed() => CopyOf(Ring);

    private string CopyOf(string directory)
    {
        var copy = Path.Combine(_files.Directory, $"copy-{_copies++}");
        Directory.CreateDirectory(copy);
        foreach (var file in Directory.GetFiles(directory, "*.ring"))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return copy;
    }

    private Recorder Open(string directory, long size = 2 << 20, RecordEncoding compression = RecordEncoding.None, long anonymous = 256 << 20)
    {
        var options = new RecorderOptions { Directory = directory, SizeBytesMax = size, SegmentBytes = SegmentBytes, RequestBytesMax = 256 << 10, Compression = compression, AnonymousBytesMax = anonymous };
        var recorder = new Recorder(options, new RecorderMetrics(Prometheus.Metrics.WithCustomRegistry(_registry)), _time, _log);
        _recorders.Add(recorder);
        return recorder;
    }

    private double Value(string series) => MetricText.Value(_registry, series);
}
