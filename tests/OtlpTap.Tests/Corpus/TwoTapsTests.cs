using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Corpus;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Corpus;

/// <summary>Two taps, or a tap and people, on one folder of cases: nothing is mixed up and nothing is lost.</summary>
public sealed class TwoTapsTests : IDisposable
{
    private readonly TapRig _one;
    private readonly TapRig _other;

    public TwoTapsTests()
    {
        // Further files of a case are not limited here: each update is one more chance to get it wrong.
        _one = new TapRig(new CorpusOptions { UpdatesPerHourMax = 0 });
        _other = new TapRig(new CorpusOptions { UpdatesPerHourMax = 0 }, before: _one);
    }

    [Fact]
    public void What_both_count_is_counted()
    {
        Fail(_one, 1);
        _one.Settle();
        for (var trace = 2; trace <= 31; trace++)
        {
            Fail(trace % 3 == 0 ? _one : _other, trace);
            _other.Settle();
            _one.Captures.WriteDue();
        }

        _one.Pass(60);
        _other.Captures.WriteDue();
        var seen = CaseStore.ReadSeen(Assert.Single(_one.CaseFolders()))!;
        Assert.Equal(31, seen.Count);
        Assert.Equal(Trace(31).ToString(), seen.LastTrace);
    }

    [Fact]
    public void What_both_meet_for_the_first_time_at_once_is_one_case_with_the_trace_of_one_of_them()
    {
        const int Services = 25;
        for (var service = 1; service <= Services; service++)
        {
            _one.Receive(RequestFrom($"service {service}", Span(service, 1, failed: true)));
            _other.Receive(RequestFrom($"service {service}", Span(100 + service, 1, failed: true)));
        }

        _one.Time.Advance(_one.Corpus.Settle);
        AtOnce(() => _one.Captures.WriteDue(), () => _other.Captures.WriteDue());
        Retry();

        Assert.Equal(Services, _one.CaseFolders().Length);
        foreach (var path in _one.CaseFolders())
        {
            var document = TapRig.ReadCase(path)!;
            var trace = Telemetry.SpansIn(_one.TraceIn((int)document.TraceId.Low)).Single();
            Assert.Equal(Bytes(document.TraceId), trace.TraceId);
            Assert.Equal(2, CaseStore.ReadSeen(path)!.Count);
            Assert.Empty(Directory.GetFiles(path, "*.broken-*"));
        }
    }

    [Fact]
    public void The_halves_of_a_trace_that_each_got_are_one_occurrence_and_one_trace()
    {
        // The folder is looked through with the first case: what comes then is not known of each other.
        _other.Receive(RequestFrom("elsewhere", Span(1, 1, failed: true)));
        _other.Settle();
        foreach (var (tap, number) in new[] { (_one, 1), (_other, 2) })
        {
            var span = Span(7, number, failed: true, parent: 0);
            span.Name = "step";
            tap.Receive(span);
            tap.Settle();
        }

        _one.Pass(60);
        _other.Captures.WriteDue();
        Assert.Equal([1, 2], _one.SpansIn(7));
        Assert.Null(CaseStore.ReadSeen(_one.CasePath(7)));
    }

    [Fact]
    public void What_people_say_of_a_case_and_what_a_tap_adds_to_it_at_the_same_time_is_all_there()
    {
        const int Changes = 60;
        const int Versions = 18;
        Fail(_one, 1, "1.1");
        _one.Settle();
        var path = Assert.Single(_one.CaseFolders());
        var store = new CaseStore(_one.Corpus.Directory, _one.Time);
        AtOnce(
            () =>
            {
                for (var version = 2; version <= Versions; version++)
                {
                    Fail(_one, version, $"1.{version}");
                    _one.Settle();
                }
            },
            () =>
            {
                for (var change = 1; change <= Changes; change++)
                {
                    Assert.True(store.TryChange(path, new CaseChange(CaseStatus.Open, $"note {change}"), out var problem), problem);
                }
            });
        Retry();

        var document = TapRig.ReadCase(path)!;
        Assert.Equal($"note {Changes}", document.Life.Reason);
        Assert.Equal(Enumerable.Range(1, Versions).Select(version => $"1.{version}"), document.Versions);
        Assert.Equal(Versions, CaseStore.ReadSeen(path)!.Count);
        Assert.Empty(Directory.GetFiles(path, "*.broken-*"));
    }

    [Fact]
    public void A_case_that_is_muted_while_the_tap_runs_is_quiet_from_then_on()
    {
        Fail(_one, 1, "1");
        _one.Settle();
        var path = Assert.Single(_one.CaseFolders());
        Assert.True(new CaseStore(_one.Corpus.Directory, _one.Time).TryChange(path, new CaseChange(CaseStatus.Muted, "known"), out _));
        var before = File.ReadAllText(Path.Combine(path, "case.json"));
        Fail(_one, 2, "2");
        Fail(_other, 3, "3");
        _one.Settle();
        _other.Captures.WriteDue();
        _one.Pass(60);
        _other.Captures.WriteDue();

        Assert.Equal(before, File.ReadAllText(Path.Combine(path, "case.json")));
        Assert.Equal(3, CaseStore.ReadSeen(path)!.Count);
    }

    [Fact]
    public void Counts_of_cases_that_leave_the_memory_are_written_though_a_new_case_is_being_made()
    {
        using var tap = new TapRig(new CorpusOptions { CasesInMemoryMax = 2 });
        for (var service = 1; service <= 6; service++)
        {
            tap.Receive(RequestFrom($"service {service}", Span(service, 1, failed: true)));
            tap.Receive(RequestFrom($"service {service}", Span(100 + service, 1, failed: true)));
            tap.Settle();
        }

        Assert.Equal(0, tap.Value("otlptap_corpus_write_retries_total"));
        tap.Pass(60);
        Assert.All(tap.CaseFolders(), path => Assert.Equal(2, CaseStore.ReadSeen(path)!.Count));
    }

    public void Dispose()
    {
        _other.Dispose();
        _one.Dispose();
    }

    /// <summary>What a busy machine made wait too long for the lock comes back; then the counts are written.</summary>
    private void Retry()
    {
        foreach (var seconds in new[] { 1, 2, 4, 60 })
        {
            _one.Pass(seconds);
            _other.Captures.WriteDue();
        }
    }

    private static void AtOnce(params Action[] actions)
    {
        using var together = new Barrier(actions.Length);
        Task.WaitAll([.. actions.Select(action => Task.Factory.StartNew(() =>
        {
            together.SignalAndWait();
            action();
        }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default))]);
    }

    private static void Fail(TapRig tap, int trace, string version = "")
    {
        var request = RequestFrom("weather-agent", Span(trace, 1, failed: true));
        if (version.Length > 0)
        {
            request.ResourceSpans[0].Resource.Attributes.Add(new KeyValue { Key = "service.version", Value = new AnyValue { StringValue = version } });
        }

        tap.Receive(request);
    }
}
