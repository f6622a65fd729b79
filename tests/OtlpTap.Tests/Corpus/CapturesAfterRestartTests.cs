using Google.Protobuf;
using OtlpTap.Corpus;
using OtlpTap.Corpus.Journal;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Corpus;

using OtlpTap.Recorder;

/// <summary>
/// With the recorder in files, no case that was due is lost with the process. A killed process leaves its files as they are:
/// the next one is started from a copy of them, taken while the first knows nothing of it.
/// </summary>
public sealed class CapturesAfterRestartTests : IDisposable
{
    private readonly List<TapRig> _taps = [];
    private TapRig _tap;
    private string _ring;
    private int _copies;

    public CapturesAfterRestartTests()
    {
        _ring = Path.Combine(Path.GetTempPath(), "otlptap-tests", Guid.NewGuid().ToString("n"));
        _tap = Start();
        _tap.Resumption!.Run(CancellationToken.None);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(19)]
    public void A_trace_whose_spans_come_before_and_after_a_kill_becomes_one_whole_case(int failingAt)
    {
        var order = Enumerable.Range(1, 20).ToArray();
        new Random(failingAt).Shuffle(order);
        for (var i = 0; i < order.Length; i++)
        {
            _tap.Receive(Span(7, order[i], failed: i == failingAt), Span(8, order[i]));
            _tap.Pass(0.9);
            if (i % 4 == 3)
            {
                Kill();
            }
        }

        _tap.Receive(Log(7, 1, "said"));
        Kill();
        _tap.Settle();

        Assert.Equal(Enumerable.Range(1, 20), _tap.SpansIn(7));
        Assert.Equal(["said"], LogsIn(_tap.LogsIn(7)).Select(record => record.Body.StringValue));
        Assert.True(_tap.Case(7).GetProperty("complete").GetBoolean());
        Assert.False(_tap.HasCase(8));
    }

    [Fact]
    public void When_the_failing_span_comes_a_minute_and_a_kill_after_all_others_the_case_is_whole()
    {
        foreach (var number in Enumerable.Range(1, 19))
        {
            _tap.Receive(Span(7, number));
        }

        _tap.Pass(60);
        Kill();
        _tap.Receive(Span(7, 20, failed: true));
        _tap.Settle();

        Assert.Equal(Enumerable.Range(1, 20), _tap.SpansIn(7));
    }

    [Fact]
    public void A_late_verdict_finds_a_trace_that_an_earlier_process_recorded()
    {
        _tap.Receive(Span(7, 1), Span(7, 2));
        _tap.Pass(1800);
        Kill();
        Assert.True(_tap.Scheduler.TrySchedule(Trace(7), new Verdict(SpanOf(2), "negative_feedback", "thumbs", VerdictSource.Feedback)));
        _tap.Settle();

        Assert.Equal([1, 2], _tap.SpansIn(7, "negative_feedback"));
    }

    [Fact]
    public void A_verdict_from_elsewhere_that_waited_at_a_kill_becomes_a_case_with_all_that_it_said()
    {
        _tap.Receive(Span(7, 1));
        var verdict = new Verdict(SpanOf(1), "hallucination", "grounding", VerdictSource.Detector)
        {
            Origin = SpanOf(9),
            Score = 0.75,
            Label = "hallucinated",
            Explanation = "\u201cnot\u201d in the documents",
            Evidence = ["one", ""],
            Subject = "search",
            Aspect = "number",
        };
        Assert.True(_tap.Scheduler.TrySchedule(Trace(7), verdict));
        Kill();

        var capture = _tap.Scheduler.TakeDue(early: true, out _)!;
        var kept = Assert.Single(capture.Verdicts);
        Assert.Equal(verdict with { Evidence = kept.Evidence }, kept);
        Assert.Equal(["one", ""], kept.Evidence);
    }

    [Fact]
    public void What_was_recorded_and_not_yet_looked_at_when_the_process_was_killed_is_looked_at_by_the_next()
    {
        // Killed between the two: the recorder has it, the schedule was never told.
        _tap.BeforeSchedule = _ => throw new InvalidOperationException("killed");
        _tap.Receive(Span(7, 1, failed: true));
        Kill();
        _tap.Settle();

        Assert.Equal([1], _tap.SpansIn(7));
        Assert.Equal(1, _tap.Value("otlptap_corpus_requests_looked_at_again_total"));
    }

    [Fact]
    public void A_verdict_from_another_thread_does_not_claim_that_the_newest_request_was_looked_at()
    {
        _tap.Receive(Span(6, 1));
        _tap.BeforeSchedule = _ =>
        {
            _tap.Scheduler.TrySchedule(Trace(6), new Verdict(default, "reported", "api", VerdictSource.Api));
            throw new InvalidOperationException("killed");
        };
        _tap.Receive(Span(7, 1, failed: true));
        Kill();
        _tap.Settle();

        Assert.True(_tap.HasCase(7));
        Assert.True(_tap.HasCase(6, "reported"));
    }

    [Fact]
    public void A_process_that_is_killed_while_it_looks_again_leaves_the_rest_to_the_next()
    {
        _tap.BeforeSchedule = _ => throw new InvalidOperationException("killed");
        _tap.Receive(Span(7, 1, failed: true));
        Kill(resume: false);
        _tap.Receive(Span(8, 2, failed: true)); // of another name: a case of its own
        _tap.Pass(1);
        _tap.Receive(Span(9, 1));
        Kill();
        _tap.Settle();

        Assert.True(_tap.HasCase(7));
        Assert.True(_tap.HasCase(8));
    }

    [Fact]
    public void Only_what_came_behind_the_last_position_is_looked_at_again()
    {
        foreach (var trace in Enumerable.Range(1, 100))
        {
            _tap.Receive(Span(trace, 1));
            _tap.Pass(0.5);
        }

        Kill();

        Assert.InRange(_tap.Value("otlptap_corpus_requests_looked_at_again_total"), 0, 3);
    }

    [Fact]
    public void A_capture_that_was_being_written_is_written_by_the_next_process()
    {
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Time.Advance(_tap.Corpus.Settle);
        Assert.NotNull(_tap.Scheduler.TakeDue(early: false, out _)); // and then it is killed
        Kill();
        _tap.Settle();

        Assert.True(_tap.HasCase(7));
    }

    [Fact]
    public void What_was_written_is_not_written_again()
    {
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();
        var written = File.GetLastWriteTimeUtc(Path.Combine(_tap.CasePath(7), "case.json"));
        Directory.Delete(_tap.CasePath(7), recursive: true); // people may: then it stays away
        Kill();
        _tap.Settle();

        Assert.Equal(0, _tap.Scheduler.PendingCount);
        Assert.False(_tap.HasCase(7));
        Assert.NotEqual(default, written);
    }

    [Fact]
    public void Late_spans_are_added_after_a_restart_until_their_time_is_over()
    {
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();
        _tap.Pass(300);
        Kill();
        Kill();
        _tap.Receive(Span(7, 2));
        _tap.Settle();
        Assert.Equal([1, 2], _tap.SpansIn(7));

        _tap.Pass(600);
        Kill();
        _tap.Receive(Span(7, 3));
        _tap.Settle();
        Assert.Equal([1, 2], _tap.SpansIn(7));
    }

    [Fact]
    public void Late_spans_that_came_just_before_a_kill_are_added()
    {
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();
        _tap.Receive(Span(7, 2));
        Kill();
        _tap.Settle();

        Assert.Equal([1, 2], _tap.SpansIn(7));
    }

    [Fact]
    public void Whatever_is_left_of_the_journal_no_case_of_a_rule_is_lost()
    {
        for (var trace = 1; trace <= 5; trace++)
        {
            _tap.Receive(Span(trace, 1, failed: true));
            _tap.Pass(0.1);
        }

        var whole = File.ReadAllBytes(Path.Combine(_ring, CaptureJournal.FileName));
        var random = new Random(3);
        foreach (var length in Enumerable.Range(0, whole.Length).Where(length => length % 7 == 0 || length < 40))
        {
            var cut = whole[..length];
            AssertAllDue(cut);
            var flipped = whole.ToArray();
            flipped[length] ^= (byte)(1 << random.Next(8));
            AssertAllDue(flipped);
        }

        void AssertAllDue(byte[] journal)
        {
            var copy = CopyOf(_ring);
            File.WriteAllBytes(Path.Combine(copy, CaptureJournal.FileName), journal);
            using var tap = new TapRig(recorder: Files(copy), before: _tap);
            tap.Resumption!.Run(CancellationToken.None);
            Assert.Equal(5, tap.Scheduler.PendingCount);
            tap.Recorder.Dispose();
            Directory.Delete(copy, recursive: true);
        }
    }

    [Fact]
    public void The_journal_stays_small_however_long_the_tap_runs()
    {
        for (var trace = 1; trace <= 20_000; trace++)
        {
            _tap.Scheduler.TrySchedule(Trace(trace), new Verdict(SpanOf(1), "tool_error", "rule", VerdictSource.Rule));
            _tap.Time.Advance(_tap.Corpus.Settle);
            _tap.Scheduler.Ended(_tap.Scheduler.TakeDue(early: true, out _)!);
        }

        // 50,000 s, of which the last 10 minutes are remembered.
        Assert.InRange(new FileInfo(Path.Combine(_ring, CaptureJournal.FileName)).Length, 1000, 3 << 20);
    }

    [Fact]
    public void A_journal_that_cannot_be_written_is_said_and_counted_and_cases_are_written_all_the_same()
    {
        var path = Path.Combine(_ring, CaptureJournal.FileName);
        Kill(resume: false, prepare: directory =>
        {
            File.Delete(Path.Combine(directory, CaptureJournal.FileName));
            Directory.CreateDirectory(Path.Combine(directory, CaptureJournal.FileName));
        });
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();

        Assert.True(_tap.HasCase(7));
        Assert.True(_tap.Value("otlptap_corpus_journal_failures_total") > 0);
        Assert.NotEmpty(_tap.JournalLog.Messages);
        Assert.NotEqual(path, _ring);
    }

    public void Dispose()
    {
        _taps.ForEach(tap => tap.Dispose());
        foreach (var copy in Directory.GetDirectories(Path.GetDirectoryName(_ring)!, Path.GetFileName(_ring).Split('+')[0] + "*"))
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static RecorderOptions Files(string directory) => new() { Directory = directory, SizeBytesMax = 1 << 20, SegmentBytes = 16 << 10 };

    private TapRig Start(TapRig? before = null)
    {
        var tap = new TapRig(recorder: Files(_ring), before: before);
        _taps.Add(tap);
        return tap;
    }

    /// <summary>The next process, with the files of this one as they are now.</summary>
    private void Kill(bool resume = true, Action<string>? prepare = null)
    {
        _ring = CopyOf(_ring);
        prepare?.Invoke(_ring);
        _tap = Start(_tap);
        if (resume)
        {
            _tap.Resumption!.Run(CancellationToken.None);
        }
    }

    private string CopyOf(string directory)
    {
        var copy = $"{directory.Split('+')[0]}+{++_copies}";
        Directory.CreateDirectory(copy);
        foreach (var file in Directory.GetFiles(directory).Where(file => Path.GetFileName(file) != "lock"))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return copy;
    }
}
