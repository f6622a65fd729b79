using System.Text.Json;
using System.Text.Json.Nodes;
using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Corpus;
using OtlpTap.Tests.Forward;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Corpus;

/// <summary>What can go wrong with the folder of cases, and what people do in it.</summary>
public sealed class CaseFilesTests : IDisposable
{
    private TapRig _tap = new();

    [Fact]
    public void When_the_folder_cannot_be_written_it_is_said_once_tried_again_and_counted()
    {
        // A file where the folder should be: unlike missing rights, this stops root as well.
        Directory.CreateDirectory(_tap.Folder);
        File.WriteAllText(_tap.Corpus.Directory, "");
        _tap.Receive(Span(7, 1, failed: true), Span(8, 1, failed: true));

        _tap.Settle();
        Assert.Equal(2, _tap.Value("otlptap_corpus_write_retries_total"));
        Assert.Equal(2, _tap.Scheduler.PendingCount);
        foreach (var seconds in new[] { 1, 2, 4 })
        {
            Assert.Equal(0, _tap.Value("otlptap_corpus_cases_failed_total{reason=\"io\"}"));
            _tap.Pass(seconds);
        }

        Assert.Equal(2, _tap.Value("otlptap_corpus_cases_failed_total{reason=\"io\"}"));
        Assert.Equal(0, _tap.Scheduler.PendingCount);
        var message = Assert.Single(_tap.CaptureLog.Messages);
        Assert.StartsWith($"Error: cases cannot be written to {_tap.Corpus.Directory}: ", message, StringComparison.Ordinal);

        File.Delete(_tap.Corpus.Directory);
        _tap.Receive(Span(9, 1, failed: true));
        _tap.Settle();
        Assert.True(_tap.HasCase(9));
        Assert.Contains($"Information: cases can be written to {_tap.Corpus.Directory} again; 2 were given up meanwhile", _tap.CaptureLog.Messages);
    }

    [Fact]
    public void A_disk_that_recovers_in_time_costs_no_case()
    {
        Directory.CreateDirectory(_tap.Folder);
        File.WriteAllText(_tap.Corpus.Directory, "");
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();
        _tap.Pass(1);
        File.Delete(_tap.Corpus.Directory);
        _tap.Receive(Span(7, 2));
        _tap.Pass(10);

        Assert.Equal([1, 2], _tap.SpansIn(7));
        Assert.Equal(1, _tap.Value("otlptap_corpus_cases_written_total"));
    }

    [Theory]
    [InlineData(".trace.json.tmp")]
    [InlineData(".logs.json.tmp")]
    [InlineData(".case.json.tmp")]
    public void A_write_that_fails_half_way_is_completed_by_the_next_attempt(string obstacle)
    {
        // First on a new case, then on its update: a folder in the place of the temporary file stops the write right there.
        for (var round = 1; round <= 2; round++)
        {
            var path = Directory.CreateDirectory(Path.Combine(_tap.CasePath(7), obstacle));
            _tap.Receive(Span(7, round, failed: true));
            _tap.Receive(Log(7, round, $"round {round}"));
            _tap.Settle();
            Assert.Equal(round, _tap.Value("otlptap_corpus_write_retries_total"));

            path.Delete();
            _tap.Pass(1);
            Assert.Equal(Enumerable.Range(1, round), _tap.SpansIn(7));
            Assert.Equal(round, LogsIn(_tap.LogsIn(7)).Count());
            Assert.Equal(round, _tap.Case(7).GetProperty("span_count").GetInt32());
            Assert.Equal(round, _tap.Case(7).GetProperty("log_count").GetInt32());
            Assert.Equal(round, _tap.Case(7).GetProperty("verdicts").GetArrayLength());
        }

        Assert.Equal(1, _tap.Value("otlptap_corpus_cases_written_total"));
        Assert.Equal(1, _tap.Value("otlptap_corpus_cases_updated_total"));
    }

    [Fact]
    public void What_a_crash_left_half_written_is_overwritten()
    {
        Directory.CreateDirectory(_tap.CasePath(7));
        foreach (var name in new[] { "trace.json", "logs.json", "case.json" })
        {
            File.WriteAllText(Path.Combine(_tap.CasePath(7), $".{name}.tmp"), new string('x', 100_000));
        }

        _tap.Receive(Span(7, 1, failed: true));
        _tap.Receive(Log(7, 1, "said"));
        _tap.Settle();

        Assert.Equal(["case.json", "logs.json", "trace.json"], Directory.GetFiles(_tap.CasePath(7)).Select(Path.GetFileName).Order());
        Assert.Equal([1], _tap.SpansIn(7));
    }

    [Fact]
    public void Values_that_nest_deeply_do_not_make_a_file_out_of_proportion()
    {
        // A list of 60,000 numbers below 40 lists: with every line indented, 240 KB would be 60 MB.
        var value = new AnyValue { ArrayValue = new ArrayValue() };
        value.ArrayValue.Values.AddRange(Enumerable.Repeat(new AnyValue { IntValue = 1 }, 60_000));
        for (var depth = 0; depth < 40; depth++)
        {
            value = new AnyValue { ArrayValue = new ArrayValue { Values = { value } } };
        }

        var span = Span(7, 1, failed: true);
        span.Attributes.Add(new KeyValue { Key = "deep", Value = value });
        _tap.Receive(span);
        _tap.Settle();

        Assert.InRange(new FileInfo(Path.Combine(_tap.CasePath(7), "trace.json")).Length, 1, CaseDirectory.IndentedBytesMax);
        Assert.Equal(span, Assert.Single(SpansIn(_tap.TraceIn(7))));
    }

    [Theory]
    [InlineData("trace.json")]
    [InlineData("case.json")]
    public void A_link_in_the_place_of_a_temporary_file_is_not_followed(string name)
    {
        var victim = Path.Combine(_tap.Folder, "victim");
        Directory.CreateDirectory(_tap.CasePath(7));
        File.WriteAllText(victim, "precious");
        File.CreateSymbolicLink(Path.Combine(_tap.CasePath(7), $".{name}.tmp"), victim);

        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();

        Assert.Equal("precious", File.ReadAllText(victim));
        Assert.Equal([1], _tap.SpansIn(7));
    }

    [Fact]
    public void Links_in_the_folder_are_neither_walked_nor_counted()
    {
        Directory.CreateDirectory(Path.Combine(_tap.Folder, "elsewhere"));
        File.WriteAllText(Path.Combine(_tap.Folder, "elsewhere", "large"), new string('x', 100_000));
        Directory.CreateDirectory(_tap.Corpus.Directory);
        Directory.CreateSymbolicLink(Path.Combine(_tap.Corpus.Directory, "elsewhere"), Path.Combine(_tap.Folder, "elsewhere"));
        Directory.CreateSymbolicLink(Path.Combine(_tap.Corpus.Directory, "loop"), _tap.Corpus.Directory);
        File.CreateSymbolicLink(Path.Combine(_tap.Corpus.Directory, "dangling"), Path.Combine(_tap.Folder, "nowhere"));
        File.WriteAllText(Path.Combine(_tap.Corpus.Directory, "notes"), "12345");

        Assert.Equal(5, new CaseDirectory(_tap.Corpus.Directory).Measure());
    }

    [Fact]
    public void Names_without_end_are_cut_in_the_case_and_whole_in_the_trace()
    {
        var span = Span(7, 1, failed: true);
        span.Name = string.Concat(Enumerable.Repeat("\u00e9\u20ac", 100_000));
        _tap.Receive(RequestFrom(new string('s', 500_000), span));
        _tap.Settle();

        var service = _tap.Case(7).GetProperty("services")[0].GetString()!;
        var name = _tap.Case(7).GetProperty("verdicts")[0].GetProperty("span_name").GetString()!;
        Assert.InRange(service.Length, 100, 1000);
        Assert.InRange(name.Length, 100, 1000);
        Assert.StartsWith(name[..^1], span.Name, StringComparison.Ordinal);
        Assert.Equal(span.Name, Assert.Single(SpansIn(_tap.TraceIn(7))).Name);
    }

    [Fact]
    public void A_flood_of_cases_is_no_flood_of_log_lines()
    {
        foreach (var trace in Enumerable.Range(1, 500))
        {
            _tap.Receive(RequestFrom($"service {trace}", Span(trace, 1, failed: true)));
        }

        _tap.Settle();
        Assert.Equal(500, _tap.Value("otlptap_corpus_cases_written_total"));
        Assert.InRange(_tap.CaptureLog.Messages.Count, 1, 20);

        _tap.Pass(60);
        _tap.Receive(RequestFrom("service 501", Span(501, 1, failed: true)));
        _tap.Settle();
        Assert.Contains(_tap.CaptureLog.Messages, message => message.Contains("490", StringComparison.Ordinal));
        Assert.Contains(_tap.CaptureLog.Messages, message => message.Contains(Trace(501).ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void A_write_that_fails_leaves_nothing_behind_that_would_fill_the_disk_further()
    {
        var directory = new CaseDirectory(_tap.Corpus.Directory);
        Directory.CreateDirectory(_tap.CasePath(7));

        Assert.Throws<IOException>(() => directory.Write(_tap.CasePath(7), "trace.json", _ => throw new IOException("No space left on device")));

        Assert.Empty(Directory.GetFiles(_tap.CasePath(7)));
    }

    [Fact]
    public void A_crash_between_the_files_of_a_case_loses_none_of_its_spans()
    {
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();
        File.Delete(Path.Combine(_tap.CasePath(7), "case.json"));
        _tap.Restart();

        _tap.Receive(Span(7, 2, failed: true));
        _tap.Settle();
        Assert.Equal([1, 2], _tap.SpansIn(7));
        Assert.Equal(2, _tap.Case(7).GetProperty("span_count").GetInt32());
    }

    [Theory]
    [InlineData("case.json")]
    [InlineData("trace.json")]
    [InlineData("logs.json")]
    public void A_file_that_people_broke_is_set_aside_and_written_anew(string name)
    {
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Receive(Log(7, 1, "said"));
        _tap.Settle();
        var path = Path.Combine(_tap.CasePath(7), name);
        File.WriteAllText(path, "{ \"resourceSpans\": [ oops");

        _tap.Receive(Span(7, 2, failed: true));
        _tap.Receive(Log(7, 2, "said again"));
        _tap.Settle();

        Assert.Equal("{ \"resourceSpans\": [ oops", File.ReadAllText(path + ".broken-1"));
        Assert.Equal([1, 2], _tap.SpansIn(7));
        Assert.Equal(2, LogsIn(_tap.LogsIn(7)).Count());
        Assert.Equal(2, _tap.Case(7).GetProperty("span_count").GetInt32());
        Assert.Equal(1, _tap.Value("otlptap_corpus_files_set_aside_total"));
        var message = Assert.Single(_tap.WriterLog.Messages);
        Assert.StartsWith($"Warning: {path} cannot be read (", message, StringComparison.Ordinal);
        Assert.EndsWith($"it was renamed to {path}.broken-1 and is written anew", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"status\": \"open\"", "\"status\": \"mute\"", "`status` must be open, fixed, regressed, muted or expected")]
    [InlineData("\"status\": \"open\",", "\"status\": \"open\"", "")]
    public void A_case_that_people_broke_while_no_tap_ran_is_told_with_its_line_and_counted_and_all_others_go_on(string text, string broken, string problem)
    {
        _tap.Receive(RequestFrom("one", Span(7, 1, failed: true)));
        _tap.Receive(RequestFrom("two", Span(8, 1, failed: true)));
        _tap.Settle();
        var path = Path.Combine(_tap.CasePath(7), "case.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace(text, broken, StringComparison.Ordinal));
        var line = 1 + Array.FindIndex(File.ReadAllLines(path), each => each.Contains(problem.Length > 0 ? "status" : "group", StringComparison.Ordinal));
        _tap.Restart();

        _tap.Receive(RequestFrom("two", Span(9, 1, failed: true)));
        _tap.Receive(RequestFrom("three", Span(10, 1, failed: true)));
        _tap.Settle();

        Assert.Equal(1, _tap.Value("otlptap_corpus_cases_unreadable_total"));
        var message = Assert.Single(_tap.WriterLog.Messages);
        Assert.StartsWith($"Warning: a case cannot be read: {path}: line {line}", message, StringComparison.Ordinal);
        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.True(_tap.HasCase(10));
        Assert.Equal(4, _tap.Value("otlptap_corpus_occurrences_total{status=\"open\"}"));
        Assert.True(File.Exists(path)); // set aside only when its case occurs again
    }

    [Fact]
    public void A_case_whose_file_cannot_be_opened_stops_no_other()
    {
        _tap.Receive(RequestFrom("one", Span(7, 1, failed: true)));
        _tap.Receive(RequestFrom("two", Span(8, 1, failed: true)));
        _tap.Settle();
        _tap.Restart();
        using (new FileStream(Path.Combine(_tap.CasePath(7), "case.json"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            _tap.Receive(RequestFrom("three", Span(10, 1, failed: true)));
            _tap.Settle();
            Assert.Single(new CaseStore(_tap.Corpus.Directory, _tap.Time).List(), listing => listing.Problem is not null);
        }

        Assert.True(_tap.HasCase(10));
        Assert.Equal(1, _tap.Value("otlptap_corpus_cases_unreadable_total"));
    }

    [Fact]
    public void What_people_add_to_a_case_stays()
    {
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();
        var path = Path.Combine(_tap.CasePath(7), "case.json");
        var edited = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        edited["note"] = "the refund tool again";
        edited["owners"] = new JsonArray("ann", "bo");
        File.WriteAllText(path, edited.ToJsonString());

        _tap.Receive(Span(7, 2));
        _tap.Settle();

        Assert.Equal("the refund tool again", _tap.Case(7).GetProperty("note").GetString());
        Assert.Equal(2, _tap.Case(7).GetProperty("owners").GetArrayLength());
        Assert.Equal(2, _tap.Case(7).GetProperty("span_count").GetInt32());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{ "format": "otlptap.case/2", "trace_id": "0000000000000abc0000000000000007", "failure": "x", "recorded_at": "2026-11-01T00:00:00Z" }""")]
    [InlineData("""{ "format": "otlptap.case/1", "trace_id": "7", "failure": "x", "recorded_at": "2026-11-01T00:00:00Z" }""")]
    [InlineData("""{ "format": "otlptap.case/1", "trace_id": "0000000000000abc0000000000000007", "failure": "x", "recorded_at": "yesterday" }""")]
    [InlineData("""{ "format": "otlptap.case/1", "trace_id": "0000000000000abc0000000000000007", "failure": "x", "recorded_at": "2026-11-01T00:00:00Z", "verdicts": [7] }""")]
    [InlineData("""{ "format": "\ud800" }""")]
    public void A_document_that_is_no_case_is_told_from_one(string json)
    {
        Assert.False(CaseDocument.TryRead(System.Text.Encoding.UTF8.GetBytes(json), out _, out var problem));
        Assert.NotEqual("", problem);
    }

    [Fact]
    public void A_case_that_people_removed_is_not_brought_back_by_late_spans()
    {
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();
        Directory.Delete(_tap.CasePath(7), recursive: true);
        _tap.Receive(Span(7, 2));
        _tap.Settle();

        Assert.False(_tap.HasCase(7));
    }

    [Fact]
    public void When_the_folder_has_its_size_nothing_is_written_until_there_is_room()
    {
        _tap.Dispose();
        _tap = new TapRig(new CorpusOptions { DirectoryBytesMax = 10_000 });
        var trace = 1;
        while (_tap.Value("otlptap_corpus_captures_dropped_total{reason=\"directory_full\"}") == 0)
        {
            Assert.InRange(trace, 1, 50);
            _tap.Receive(RequestFrom($"service {trace}", Span(trace++, 1, failed: true)));
            _tap.Settle();
        }

        var size = new DirectoryInfo(_tap.Corpus.Directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
        Assert.Equal(size, _tap.Value("otlptap_corpus_directory_bytes"));
        Assert.InRange(size, 10_000, 15_000);
        Assert.Contains($"Warning: the folder of cases {_tap.Corpus.Directory} has reached its size of 10000 bytes; no case is written until there is room", _tap.CaptureLog.Messages);

        Directory.Delete(_tap.CasePath(1), recursive: true);
        Directory.Delete(_tap.CasePath(2), recursive: true);
        _tap.Pass(60);
        _tap.Receive(RequestFrom("service 100", Span(100, 1, failed: true)));
        _tap.Settle();
        Assert.True(_tap.HasCase(100));
    }

    [Fact]
    public async Task The_loop_writes_by_itself_when_a_case_is_due()
    {
        _tap.Dispose();
        var written = new TaskCompletionSource<CaseResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _tap = new TapRig(new CorpusOptions { Settle = TimeSpan.FromMilliseconds(1) }, written: (_, result) => written.SetResult(result));
        _tap.Captures.Start();
        _tap.Receive(Span(7, 1, failed: true));
        await Deadline.UntilAsync(
            () =>
            {
                _tap.Time.Advance(TimeSpan.FromMilliseconds(1));
                return written.Task.IsCompleted;
            },
            "it is written");

        Assert.Equal(new CaseResult(CaseOutcome.Written, "tool_error", _tap.CasePath(7)), await written.Task);
        await _tap.Captures.FlushAsync(TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flush_writes_what_is_due_and_what_is_not(bool isStarted)
    {
        if (isStarted)
        {
            _tap.Captures.Start();
        }

        foreach (var trace in Enumerable.Range(1, 20))
        {
            _tap.Receive(RequestFrom($"service {trace}", Span(trace, 1, failed: true)));
        }

        await _tap.Captures.FlushAsync(TimeSpan.FromSeconds(5));

        Assert.All(Enumerable.Range(1, 20), trace => Assert.True(_tap.HasCase(trace)));
        Assert.Equal(0, _tap.Scheduler.PendingCount);
        Assert.Equal(0, _tap.Value("otlptap_corpus_captures_dropped_total{reason=\"shutdown\"}"));
    }

    [Fact]
    public async Task A_flush_ends_at_its_deadline_though_a_write_hangs_and_counts_what_is_missing()
    {
        _tap.Dispose();
        using var hangs = new ManualResetEventSlim();
        using var isWriting = new ManualResetEventSlim();
        _tap = new TapRig(written: (_, _) =>
        {
            isWriting.Set();
            hangs.Wait(Deadline.Token());
        });
        _tap.Receive(Enumerable.Range(1, 3).Select(trace => Span(trace, 1, failed: true)));

        var flush = _tap.Captures.FlushAsync(TimeSpan.FromSeconds(5));
        isWriting.Wait(Deadline.Token());
        Assert.False(flush.IsCompleted);
        _tap.Time.Advance(TimeSpan.FromSeconds(5));
        await flush;

        Assert.Equal(3, _tap.Value("otlptap_corpus_captures_dropped_total{reason=\"shutdown\"}"));
        Assert.Contains("Warning: shutting down: 3 cases were not written within 00:00:05", _tap.CaptureLog.Messages);
        hangs.Set();
    }

    public void Dispose() => _tap.Dispose();
}
