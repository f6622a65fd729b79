using System.Text.Json;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Sinks;
using OtlpTap.Tests.Corpus;
using OtlpTap.Tests.Forward;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Sinks;

public sealed class FileSinkTests : IAsyncDisposable
{
    private readonly SinkRig _rig = new();

    private string Folder => Path.Combine(_rig.Tap.Folder, "sink");

    private string File => Path.Combine(Folder, "cases.jsonl");

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    public async Task A_full_file_is_set_aside_and_the_oldest_goes()
    {
        _rig.Start(Sink() with { FileBytesMax = 1500, FilesMax = 2 });
        for (var trace = 1; trace <= 9; trace++)
        {
            _rig.Fail(trace);
            await _rig.SentAsync("file", trace);
        }

        var files = Directory.GetFiles(Folder).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(3, files.Count);
        Assert.All(files, file => Assert.InRange(new FileInfo(file).Length, 1, 1500));
        Assert.All(files.Where(file => file != File), file => Assert.Matches(@"cases-2026-11-01T\d\d-\d\d-\d\d\.\d{3}\.jsonl$", file));
        var services = files.OrderBy(file => file == File).SelectMany(System.IO.File.ReadAllLines).Select(ServiceOf).ToList();
        Assert.Equal(services.Order(StringComparer.Ordinal), services);
        Assert.Equal("service 9", services[^1]);
    }

    [Fact]
    public async Task A_case_larger_than_a_file_may_be_has_a_file_of_its_own()
    {
        _rig.Start(Sink() with { FileBytesMax = 10, FilesMax = 5 });
        _rig.Fail(1);
        await _rig.SentAsync("file", 1);
        _rig.Fail(2);
        await _rig.SentAsync("file", 2);
        Assert.Equal(["service 1", "service 2"], Directory.GetFiles(Folder).Select(file => ServiceOf(Assert.Single(System.IO.File.ReadAllLines(file)))).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Without_a_limit_a_file_grows()
    {
        _rig.Start(Sink() with { FileBytesMax = 0 });
        _rig.Fail(1);
        _rig.Fail(2);
        await _rig.SentAsync("file", 2);
        Assert.Equal(File, Assert.Single(Directory.GetFiles(Folder)));
    }

    [Fact]
    public async Task Of_a_full_disk_no_half_line_is_left_and_the_next_attempt_writes_it_whole()
    {
        var isFull = true;
        Directory.CreateDirectory(Folder);
        System.IO.File.WriteAllText(File, "before\n");
        await using var sink = Unstarted(path => new FlakyStream(new FileStream(path, FileMode.Append, FileAccess.Write), () => isFull));
        _rig.Start();
        _rig.Fail(1);
        var item = new SinkItem(_rig.Tap.CasePath(1), Trace(1), "case.created", 1);

        var refused = await sink.SendAsync(item, TestContext.Current.CancellationToken);
        Assert.Equal((SinkFailReason.File, true, "No space left on device"), (refused.Failure!.Value, refused.IsRetryable, refused.Cause));
        Assert.Equal("before\n", System.IO.File.ReadAllText(File));

        isFull = false;
        Assert.Null((await sink.SendAsync(item, TestContext.Current.CancellationToken)).Failure);
        Assert.Equal("service 1", ServiceOf(System.IO.File.ReadAllLines(File)[1]));
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_to_is_said_once_and_counted_and_cases_are_written_all_the_same()
    {
        Directory.CreateDirectory(_rig.Tap.Folder);
        System.IO.File.WriteAllText(Folder, "a file where the folder should be");
        _rig.Start(Sink());
        _rig.Fail(1);
        _rig.Fail(2);
        await _rig.PassUntilAsync(() => _rig.Failed("file", "file") == 2, "both have failed");

        Assert.Equal(2, _rig.Tap.CaseFolders().Length);
        Assert.Equal(10, _rig.Retries("file"));
        var line = Assert.Single(_rig.Logger.Messages);
        Assert.StartsWith("Warning: Cases: sink file does not take them: ", line, StringComparison.Ordinal);
        Assert.Contains(Folder, line, StringComparison.Ordinal);
    }

    private static string? ServiceOf(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty("resourceSpans")[0].GetProperty("resource").GetProperty("attributes").EnumerateArray()
            .Single(attribute => attribute.GetProperty("key").GetString() == "service.name").GetProperty("value").GetProperty("stringValue").GetString();
    }

    private FileSink Unstarted(Func<string, Stream> open) => new(Sink(), new CaseTraces(_rig.Tap.Recorder), _rig.Tap.Time, open);

    private SinkOptions Sink() => new() { Name = "file", Kind = SinkKind.File, Path = File };
}
