using System.Text;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Forward.Spool;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Spool;

/// <summary>The queue on disk by itself: what a start finds after whatever happened to the files.</summary>
public sealed class DiskSpoolTests : IDisposable
{
    private const string Root = "/spool";

    private readonly PayloadPool _pool = new();
    private readonly ListLogger<DiskSpool> _log = new();
    private readonly string _real = Path.Combine(Path.GetTempPath(), $"otlptap-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_real))
        {
            Directory.Delete(_real, recursive: true);
        }
    }

    [Fact]
    public async Task A_last_segment_cut_at_any_byte_gives_the_records_that_are_whole()
    {
        var written = await WriteAsync(["one", "two two", "", "four"]);
        var path = Assert.Single(written.Segments);
        var whole = written[path];
        var ends = Ends(["one", "two two", "", "four"]);
        Assert.Equal(whole.Length, ends[^1]);

        for (var length = 0; length <= whole.Length; length++)
        {
            var cut = written.Kill();
            cut[path] = whole[..length];

            var texts = await ReadAllAsync(cut);

            var expected = ends.Count(end => end <= length);
            Assert.Equal(new[] { "one", "two two", "", "four" }[..expected], texts);
            Assert.DoesNotContain(cut.Paths, name => name.EndsWith(".corrupt", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Zeros_behind_the_last_record_are_cut_off_like_any_unfinished_write()
    {
        var files = await WriteAsync(["one", "two"]);
        var path = Assert.Single(files.Segments);
        files[path] = [.. files[path], .. new byte[5000]];

        Assert.Equal(["one", "two"], await ReadAllAsync(files));
        Assert.Contains(_log.Messages, line => line.Contains("cut 5000 bytes", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_flipped_bit_anywhere_in_an_older_segment_costs_at_most_its_own_record_and_the_file_is_kept_aside()
    {
        string[] texts = ["one", "two two", "three", "four"];
        var ends = Ends(texts);
        var older = await WriteAsync(texts);
        var files = await WriteAsync(["newest"], older);
        var path = files.Segments[0];
        var whole = files[path];

        for (var at = 0; at < whole.Length; at++)
        {
            var damaged = files.Kill();
            var bytes = whole.ToArray();
            bytes[at] ^= (byte)(1 << (at % 8));
            damaged[path] = bytes;

            if (at is < 8 or 8)
            {
                // What it is, or its version: refused, and nothing is touched.
                Assert.Contains(path, Assert.Throws<SpoolException>(() => Open(damaged)).Message, StringComparison.Ordinal);
                Assert.Equal(bytes, damaged[path]);
                continue;
            }

            var hit = Array.FindIndex(ends, end => at < end);
            var expected = texts.Where((_, i) => at < SegmentHeader.Length || i != hit).Append("newest");
            Assert.Equal(expected, await ReadAllAsync(damaged));
            Assert.Equal(bytes, damaged[path + ".corrupt"]);
            Assert.Empty(damaged.Segments);
        }
    }

    [Fact]
    public async Task Damaged_places_do_not_hide_what_is_between_them()
    {
        var files = await WriteAsync(["newest"], await WriteAsync([.. Enumerable.Range(0, 200).Select(i => $"record {i:D3} {new string('x', 700)}")]));
        var path = files.Segments[0];
        var bytes = files[path];
        foreach (var from in (int[])[1000, 30_000, 90_000])
        {
            bytes.AsSpan(from, 5000).Fill(0xff);
        }

        files[path] = bytes;
        var texts = await ReadAllAsync(files);

        Assert.InRange(texts.Count, 201 - (3 * 9), 201 - (3 * 7));
        Assert.Equal(texts.Order(StringComparer.Ordinal).Prepend("newest").Distinct().Order(StringComparer.Ordinal), texts.Order(StringComparer.Ordinal));
        Assert.Contains(files.Paths, name => name.EndsWith(".corrupt", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_message_that_looks_like_a_record_is_never_taken_for_one()
    {
        // The sender has seen other records of other segments, and sends one.
        var forged = new byte[RecordHeader.Length + 4];
        new RecordHeader(4, 0, 1, Signal.Traces, 1, Crc32C.Of("evil"u8)).Write(forged);
        "evil"u8.CopyTo(forged.AsSpan(RecordHeader.Length));
        var files = new ForgetfulFiles();
        await using (var spool = Open(files))
        {
            await AppendAsync(spool, forged);
            await AppendAsync(spool, "honest"u8);
        }

        files = await WriteAsync(["newest"], files);
        var path = files.Segments[0];
        var bytes = files[path];
        bytes[SegmentHeader.Length + 20]++;
        files[path] = bytes;

        Assert.Equal(["honest", "newest"], await ReadAllAsync(files));
    }

    [Fact]
    public async Task What_was_removed_does_not_come_again_and_segments_go_when_nothing_of_them_is_left()
    {
        var files = new ForgetfulFiles();
        await using (var spool = Open(files, options => options with { BytesMax = 64 << 10, SegmentBytes = 1000 }))
        {
            for (var i = 0; i < 50; i++)
            {
                await AppendAsync(spool, Encoding.UTF8.GetBytes($"{i} {new string('x', 200)}"));
            }

            var segments = files.Segments.Count;
            Assert.InRange(segments, 12, 20);
            for (var i = 0; i < 25; i++)
            {
                Assert.True(spool.Reader.TryReadNext(out var record));
                spool.Reader.Remove(record);
            }

            spool.Reader.Flush();
            Assert.InRange(files.Segments.Count, (segments / 2) - 1, (segments / 2) + 1);
            Assert.Equal(25, spool.Records);
        }

        var texts = await ReadAllAsync(files.Kill());
        Assert.Equal(Enumerable.Range(25, 25), texts.Select(text => int.Parse(text.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(25, texts.Count);
    }

    [Fact]
    public async Task A_cursor_that_is_cut_short_or_damaged_means_delivering_again_and_never_leaving_out()
    {
        var files = new ForgetfulFiles();
        await using (var spool = Open(files))
        {
            for (var i = 0; i < 5; i++)
            {
                await AppendAsync(spool, Encoding.UTF8.GetBytes($"{i}"));
            }

            for (var i = 0; i < 3; i++)
            {
                Assert.True(spool.Reader.TryReadNext(out var record));
                spool.Reader.Remove(record);
                spool.Reader.Flush();
            }
        }

        var cursor = Path.Combine(Root, "cursor");
        var whole = files[cursor];
        Assert.Equal(["3", "4"], await ReadAllAsync(files.Kill()));
        for (var at = 0; at < whole.Length * 2; at++)
        {
            var damaged = files.Kill();
            var bytes = whole.ToArray();
            bytes[at % bytes.Length] ^= 0x10;
            damaged[cursor] = at < bytes.Length ? bytes : whole[..(at - bytes.Length)];

            var texts = await ReadAllAsync(damaged);

            Assert.Equal(Enumerable.Range(0, 5).Select(i => $"{i}").TakeLast(texts.Count), texts);
            Assert.InRange(texts.Count, 2, 5);
        }
    }

    [Fact]
    public async Task A_cursor_speaks_of_its_own_segment_only()
    {
        var files = new ForgetfulFiles();
        await using (var spool = Open(files))
        {
            await AppendAsync(spool, "one"u8);
            Assert.True(spool.Reader.TryReadNext(out var record));
            spool.Reader.Remove(record);
        }

        // Somebody puts a segment of another time in its place.
        var other = await WriteAsync(["two"]);
        files[files.Segments[0]] = other[other.Segments[0]];

        Assert.Equal(["two"], await ReadAllAsync(files));
    }

    [Theory]
    [InlineData("00000000000000000001.spool", "these are notes that somebody keeps here, longer than any header would be")]
    [InlineData("00000000000000000001.spool", "x")]
    [InlineData("7.spool", "")]
    public void A_file_that_is_no_segment_refuses_the_start_and_stays_as_it_is(string name, string content)
    {
        var files = new ForgetfulFiles();
        var path = Path.Combine(Root, name);
        files[path] = Encoding.UTF8.GetBytes(content);

        var problem = Assert.Throws<SpoolException>(() => Open(files));

        Assert.Contains(path, problem.Message, StringComparison.Ordinal);
        Assert.Equal(content, Encoding.UTF8.GetString(files[path]));
    }

    [Fact]
    public async Task A_segment_of_another_version_refuses_the_start_by_name_and_leaves_even_torn_ends_alone()
    {
        var files = await WriteAsync(["two"], await WriteAsync(["one"]));
        var first = files[files.Segments[0]];
        first[8] = 2;
        files[files.Segments[0]] = first;
        byte[] torn = [.. files[files.Segments[1]], 1, 2, 3];
        files[files.Segments[1]] = torn;

        var problem = Assert.Throws<SpoolException>(() => Open(files));

        Assert.Contains(files.Segments[0], problem.Message, StringComparison.Ordinal);
        Assert.Contains("version 2", problem.Message, StringComparison.Ordinal);
        Assert.Equal(torn, files[files.Segments[1]]);
    }

    [Fact]
    public async Task Files_of_others_that_do_not_look_like_segments_are_left_alone()
    {
        var files = await WriteAsync(["one"]);
        files[Path.Combine(Root, "README")] = [1, 2, 3];

        Assert.Equal(["one"], await ReadAllAsync(files));
        Assert.Contains(Path.Combine(Root, "README"), files.Paths);
    }

    [Fact]
    public async Task A_segment_that_cannot_be_deleted_is_tried_again()
    {
        var files = await WriteAsync(["one"]);
        await using var spool = Open(files);
        files.Before = (operation, _) =>
        {
            if (operation == "Delete")
            {
                throw new IOException("Read-only file system");
            }
        };
        Assert.True(spool.Reader.TryReadNext(out var record));
        spool.Reader.Remove(record);
        Assert.False(spool.Reader.TryReadNext(out _));
        Assert.Single(files.Segments);

        files.Before = null;
        spool.Reader.RetryFiles();

        Assert.Empty(files.Segments);
        Assert.Equal(0, spool.Bytes);
    }

    [Fact]
    public async Task On_a_real_disk_it_works_the_same_and_is_for_its_owner_alone()
    {
        var directory = Path.Combine(_real, "a", "spool");
        await using (var spool = OpenReal(directory))
        {
            for (var i = 0; i < 100; i++)
            {
                await AppendAsync(spool, Encoding.UTF8.GetBytes($"{i}"));
            }

            for (var i = 0; i < 40; i++)
            {
                Assert.True(spool.Reader.TryReadNext(out var record));
                spool.Reader.Remove(record);
            }
        }

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory));
            foreach (var file in Directory.GetFiles(directory))
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }

        await using (var next = OpenReal(directory))
        {
            await next.Recovered.InTime();
            Assert.Equal(Enumerable.Range(40, 60).Select(i => $"{i}"), ReadAll(next));
        }

        Assert.Equal(["cursor", "lock"], Directory.GetFiles(directory).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Two_never_share_a_directory()
    {
        await using (OpenReal(_real))
        {
            var problem = Assert.Throws<SpoolException>(() => OpenReal(_real));
            Assert.Contains(_real, problem.Message, StringComparison.Ordinal);
            Assert.Contains("in use by another", problem.Message, StringComparison.Ordinal);
        }

        await using var next = OpenReal(_real);
    }

    [Fact]
    public void A_directory_that_cannot_be_made_refuses_the_start_by_name()
    {
        File.WriteAllText(_real + ".file", "");
        try
        {
            Assert.Contains(_real + ".file", Assert.Throws<SpoolException>(() => OpenReal(Path.Combine(_real + ".file", "spool"))).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(_real + ".file");
        }
    }

    [Fact]
    public void The_checksum_is_the_one_of_the_specification()
    {
        // RFC 3720, B.4, and the check value of the Castagnoli polynomial.
        Assert.Equal(0xE3069283, Crc32C.Of("123456789"u8));
        Assert.Equal(0x8A9136AA, Crc32C.Of(new byte[32]));
        Assert.Equal(0xE3069283, Crc32C.Continue(Crc32C.Of("1234"u8), "56789"u8));
    }

    private static int[] Ends(string[] texts)
    {
        var end = SegmentHeader.Length;
        return [.. texts.Select(text => end += RecordHeader.Length + text.Length)];
    }

    private async Task<ForgetfulFiles> WriteAsync(string[] texts, ForgetfulFiles? files = null)
    {
        files ??= new ForgetfulFiles();
        await using var spool = Open(files);
        foreach (var text in texts)
        {
            await AppendAsync(spool, Encoding.UTF8.GetBytes(text));
        }

        return files;
    }

    private Task AppendAsync(DiskSpool spool, ReadOnlySpan<byte> message)
    {
        var payload = _pool.Rent(message.Length);
        message.CopyTo(payload.Writable);
        return AssertDurableAsync(spool.AppendAsync(Signal.Traces, payload, RequestMetadata.Empty));
    }

    private static async Task AssertDurableAsync(Task<SpoolAppend> append) => Assert.Equal(SpoolAppend.Durable, await append.InTime());

    private async Task<List<string>> ReadAllAsync(ForgetfulFiles files)
    {
        await using var spool = Open(files);
        await spool.Recovered.InTime();
        return ReadAll(spool);
    }

    /// <summary>Delivers, as it were, everything that is there.</summary>
    private List<string> ReadAll(DiskSpool spool)
    {
        var texts = new List<string>();
        while (spool.Reader.TryReadNext(out var record))
        {
            if (record.Segment.Read(record.Offset, record.Header, _pool, out var payload, out _) == RecordBody.Intact)
            {
                texts.Add(Encoding.UTF8.GetString(payload!.Span));
                payload.Release();
            }
            else
            {
                spool.Reader.MarkDamaged(record.Segment, record.Offset);
            }

            spool.Reader.Remove(record);
        }

        Assert.Equal(0, spool.Records);
        return texts;
    }

    private DiskSpool OpenReal(string directory) => Open(DiskFiles.Instance, options => options with { Directory = directory });

    private DiskSpool Open(ISpoolFiles files, Func<SpoolOptions, SpoolOptions>? with = null)
    {
        var options = new SpoolOptions { Directory = Root };
        var metrics = new SpoolMetrics(Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry()), "otlp_grpc/test");
        return DiskSpool.Open("otlp_grpc/test", with?.Invoke(options) ?? options, files, metrics, new FakeTimeProvider(), _log);
    }
}
