using System.Text.Json;
using OtlpTap.Corpus;
using OtlpTap.Redact;
using OtlpTap.Verdicts;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using static OtlpTap.Tests.Corpus.Telemetry;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Corpus;

/// <summary>One failure many times is one case; and its life.</summary>
public sealed class CaseOccurrenceTests : IDisposable
{
    private TapRig _tap = new();

    [Fact]
    public void Ten_thousand_equal_failures_are_one_case_whose_file_does_not_change()
    {
        Fail(1, "no weather for order 1");
        _tap.Settle();
        var path = Assert.Single(_tap.CaseFolders());
        var before = File.ReadAllText(Path.Combine(path, "case.json"));

        for (var trace = 2; trace <= 10_000; trace++)
        {
            Fail(trace, $"no weather for order {trace * 7919}");
            if (trace % 1000 == 0)
            {
                _tap.Settle();
            }
        }

        _tap.Pass(60);
        Assert.Equal([path], _tap.CaseFolders());
        Assert.Equal(before, File.ReadAllText(Path.Combine(path, "case.json")));
        Assert.Equal(10_000, CaseStore.ReadSeen(path)!.Count);
        Assert.Equal(10_000, _tap.Value("otlptap_corpus_occurrences_total{status=\"open\"}"));
    }

    [Fact]
    public async Task Counts_survive_a_restart()
    {
        Fail(1);
        _tap.Settle();
        Fail(2);
        _tap.Settle();
        await _tap.Captures.FlushAsync(TimeSpan.FromSeconds(5));
        _tap.Restart();
        Fail(3);
        _tap.Pass(40);
        Assert.Equal(3, CaseStore.ReadSeen(Assert.Single(_tap.CaseFolders()))!.Count);
    }

    [Fact]
    public void Late_spans_and_verdicts_of_an_occurrence_do_not_count_it_again()
    {
        Fail(1);
        Fail(2);
        _tap.Settle();
        Fail(2, number: 4);
        _tap.Pass(40);
        Assert.Equal(2, CaseStore.ReadSeen(Assert.Single(_tap.CaseFolders()))!.Count);
    }

    [Fact]
    public void Further_traces_are_kept_for_their_variety_and_the_oldest_goes_first()
    {
        _tap.Dispose();
        _tap = new TapRig(new CorpusOptions { TracesPerCase = 2 });
        for (var trace = 1; trace <= 5; trace++)
        {
            Fail(trace, version: $"1.{trace}");
            Fail(100 + trace, version: $"1.{trace}");
            _tap.Settle();
        }

        var path = Assert.Single(_tap.CaseFolders());
        var document = TapRig.ReadCase(path)!;
        Assert.Equal(Trace(1), document.TraceId);
        Assert.Equal(["1.1", "1.2", "1.3", "1.4", "1.5"], document.Versions);
        Assert.Equal([Trace(4), Trace(5)], document.Traces.Select(trace => trace.TraceId));
        Assert.Equal([$"{Trace(4)}.json", $"{Trace(5)}.json"], Directory.GetFiles(Path.Combine(path, "traces")).Select(Path.GetFileName).Order());
        Assert.Equal(2, _tap.Value("otlptap_corpus_traces_removed_total{reason=\"replaced\"}"));
    }

    [Fact]
    public void Late_spans_of_a_kept_trace_are_added_to_it()
    {
        Fail(1);
        _tap.Settle();
        Fail(2, version: "2");
        _tap.Settle();
        _tap.Receive(Span(2, 9));
        _tap.Settle();
        var text = File.ReadAllText(Path.Combine(Assert.Single(_tap.CaseFolders()), "traces", $"{Trace(2)}.json"));
        Assert.Contains("step 9", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_case_changes_its_files_only_so_often_in_an_hour()
    {
        _tap.Dispose();
        _tap = new TapRig(new CorpusOptions { UpdatesPerHourMax = 3 });
        for (var trace = 1; trace <= 10; trace++)
        {
            Fail(trace, version: $"1.{trace}");
        }

        _tap.Settle();
        Assert.Equal(4, TapRig.ReadCase(Assert.Single(_tap.CaseFolders()))!.Versions.Count);
        Assert.Equal(6, _tap.Value("otlptap_corpus_updates_limited_total"));
        Assert.Equal(10, _tap.Value("otlptap_corpus_occurrences_total{status=\"open\"}"));
    }

    [Fact]
    public void More_new_cases_than_an_hour_may_bring_are_counted_and_the_next_hour_brings_more()
    {
        _tap.Dispose();
        _tap = new TapRig(new CorpusOptions { CasesPerHourMax = 60 });
        foreach (var trace in Enumerable.Range(1, 100))
        {
            _tap.Receive(RequestFrom($"service {trace}", Span(trace, 1, failed: true)));
        }

        _tap.Settle();
        Assert.Equal(60, _tap.CaseFolders().Length);
        Assert.Equal(40, _tap.Value("otlptap_corpus_captures_dropped_total{reason=\"hourly_limit\"}"));

        // Occurrences of a case that is there take nothing from the limit.
        _tap.Receive(RequestFrom("service 1", Span(300, 1, failed: true)));
        _tap.Pass(120);
        foreach (var trace in Enumerable.Range(201, 5))
        {
            _tap.Receive(RequestFrom($"service {trace}", Span(trace, 1, failed: true)));
        }

        _tap.Settle();
        Assert.Equal(62, _tap.CaseFolders().Length);
    }

    [Theory]
    [InlineData("2.0", "1.9", CaseStatus.Fixed)]
    [InlineData("2.0", "2.0", CaseStatus.Regressed)]
    [InlineData("2.0", "2.1", CaseStatus.Regressed)]
    [InlineData("2.0", "", CaseStatus.Regressed)]
    [InlineData(null, "1.0", CaseStatus.Fixed)]
    [InlineData(null, "1.1", CaseStatus.Regressed)]
    [InlineData("9f2c1ab", "1.0", CaseStatus.Fixed)]
    public void A_fixed_case_that_is_seen_again_has_regressed_unless_the_version_is_from_before_the_fix(string? fixedIn, string version, object expected)
    {
        Fail(1, version: "1.0");
        _tap.Settle();
        var path = Assert.Single(_tap.CaseFolders());
        Assert.True(Store().TryChange(path, new CaseChange(CaseStatus.Fixed, "timeout raised", fixedIn), out _));

        _tap.Pass(60);
        Fail(2, version: version);
        _tap.Settle();

        Assert.Equal((CaseStatus)expected, TapRig.ReadCase(path)!.Life.Status);
        Assert.Equal((CaseStatus)expected == CaseStatus.Regressed ? 1 : 0, _tap.Value("otlptap_corpus_regressions_total"));
    }

    [Fact]
    public void What_happened_before_the_fix_is_no_regression()
    {
        Fail(1);
        _tap.Settle();
        _tap.Pass(60);
        var path = Assert.Single(_tap.CaseFolders());
        Assert.True(Store().TryChange(path, new CaseChange(CaseStatus.Fixed), out _));
        Fail(2, secondsLate: 10);
        _tap.Settle();
        Assert.Equal(CaseStatus.Fixed, TapRig.ReadCase(path)!.Life.Status);
    }

    [Theory]
    [InlineData(CaseStatus.Muted, "muted")]
    [InlineData(CaseStatus.Expected, "expected")]
    public void A_muted_or_expected_case_is_counted_and_nothing_else(object status, string name)
    {
        Fail(1, version: "1");
        _tap.Settle();
        var path = Assert.Single(_tap.CaseFolders());
        Assert.True(Store().TryChange(path, new CaseChange((CaseStatus)status, "by design"), out _));
        var before = File.ReadAllText(Path.Combine(path, "case.json"));
        var lines = _tap.CaptureLog.Messages.Count;

        Fail(2, version: "2");
        _tap.Pass(40);
        Assert.Equal(before, File.ReadAllText(Path.Combine(path, "case.json")));
        Assert.Equal(2, CaseStore.ReadSeen(path)!.Count);
        Assert.Equal(1, _tap.Value($"otlptap_corpus_occurrences_total{{status=\"{name}\"}}"));
        Assert.Equal(lines, _tap.CaptureLog.Messages.Count);
    }

    [Fact]
    public void A_mark_makes_no_case_and_is_noted_in_the_one_that_is_there()
    {
        _tap.Receive(Span(7, 1));
        Assert.True(_tap.Scheduler.TrySchedule(Trace(7), new Verdict(default, FailureKind.Recovered, "retry", VerdictSource.Detector)));
        _tap.Settle();
        Assert.Empty(_tap.CaseFolders());

        Fail(8);
        _tap.Settle();
        _tap.Scheduler.TrySchedule(Trace(8), new Verdict(default, FailureKind.Recovered, "retry", VerdictSource.Detector));
        _tap.Settle();
        Assert.Equal("recovered", _tap.Case(8).GetProperty("marks")[0].GetString());
        Assert.Equal("tool_error", Assert.Single(_tap.Case(8).GetProperty("failures").EnumerateArray()).GetString());
    }

    [Fact]
    public void Nothing_personal_or_secret_reaches_any_file_of_a_case()
    {
        var span = Span(7, 1, failed: true);
        span.Name = "ask ann@example.org";
        span.Status.Message = "no account for ann@example.org";
        span.Attributes.Add(Text("gen_ai.prompt", """{"to":"ann@example.org","key":"sk-proj-Ab12cd34Ef56gh78Ij90kl12Mn34op56"}"""));
        span.Attributes.Add(new KeyValue { Key = "card", Value = new AnyValue { IntValue = 4111111111111111 } });
        span.Attributes.Add(new KeyValue { Key = "raw", Value = new AnyValue { BytesValue = Google.Protobuf.ByteString.CopyFromUtf8("ann@example.org") } });
        span.Attributes.Add(new KeyValue { Key = "list", Value = new AnyValue { ArrayValue = new ArrayValue { Values = { new AnyValue { StringValue = "ann@example.org" } } } } });
        span.Attributes.Add(new KeyValue { Key = "map", Value = new AnyValue { KvlistValue = new KeyValueList { Values = { Text("password", "hunter2"), Text("ann@example.org", "x") } } } });
        span.Events.Add(new Span.Types.Event { Name = "exception", Attributes = { Text("exception.message", "ann@example.org") } });
        var request = RequestFrom("weather-agent", span);
        request.ResourceSpans[0].Resource.Attributes.Add(Text("host.owner", "ann@example.org"));
        _tap.Receive(request);
        _tap.Receive(Log(7, 1, "said to ann@example.org"));
        _tap.Scheduler.TrySchedule(Trace(7), new Verdict(default, "hallucination", "judge", VerdictSource.Judge) { Explanation = "ann@example.org was not asked", Evidence = ["ann@example.org"] });
        _tap.Settle();

        var path = Assert.Single(_tap.CaseFolders());
        foreach (var file in Directory.GetFiles(path))
        {
            var text = File.ReadAllText(file);
            Assert.DoesNotContain("ann@", text, StringComparison.Ordinal);
            Assert.DoesNotContain("hunter2", text, StringComparison.Ordinal);
            Assert.DoesNotContain("4111111111111111", text, StringComparison.Ordinal);
            Assert.DoesNotContain("sk-proj", text, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToBase64String("ann@example.org"u8), text, StringComparison.Ordinal);
            Assert.Contains("[email]", text, StringComparison.Ordinal);
        }

        Assert.Contains(Trace(7).ToString(), File.ReadAllText(Path.Combine(path, "trace.json")), StringComparison.Ordinal);
        Assert.InRange(_tap.Value("otlptap_corpus_redactions_total{kind=\"email\"}"), 9, 100);
    }

    [Fact]
    public void Hashes_are_of_a_key_that_stays_beside_the_cases_and_outside_of_git()
    {
        _tap.Dispose();
        _tap = new TapRig(new CorpusOptions { Redact = new RedactOptions { Mode = RedactMode.Hash } });
        Fail(1, "no account for ann@example.org");
        _tap.Settle();
        _tap.Restart();
        _tap.Receive(RequestFrom("other", Failing(2, "for ann@example.org")));
        _tap.Settle();

        var hashes = _tap.CaseFolders().Select(path => System.Text.RegularExpressions.Regex.Match(File.ReadAllText(Path.Combine(path, "trace.json")), @"\[email:[0-9a-f]{12}\]").Value).Distinct();
        Assert.NotEqual("", Assert.Single(hashes));
        Assert.True(File.Exists(Path.Combine(_tap.Corpus.Directory, ".redaction-key")));
        Assert.Contains(".redaction-key", File.ReadAllText(Path.Combine(_tap.Corpus.Directory, ".gitignore")), StringComparison.Ordinal);
    }

    [Fact]
    public void When_the_folder_is_full_further_traces_make_room_for_new_cases()
    {
        _tap.Dispose();
        _tap = new TapRig(new CorpusOptions { DirectoryBytesMax = 30_000, TracesPerCase = 50, UpdatesPerHourMax = 0 });
        for (var trace = 1; trace <= 30; trace++)
        {
            Fail(trace, version: $"1.{trace}", number: 1 + (trace % 3));
            _tap.Settle();
        }

        Fail(1000);
        _tap.Pass(61);
        for (var service = 1; service <= 8; service++)
        {
            _tap.Receive(RequestFrom($"service {service}", Span(2000 + service, 1, failed: true)));
            _tap.Pass(61);
        }

        Assert.InRange(_tap.Value("otlptap_corpus_traces_removed_total{reason=\"directory_full\"}"), 1, 100);
        Assert.True(_tap.HasCase(2008));
    }

    [Fact]
    public void A_broken_case_file_is_told_with_its_line()
    {
        Fail(1);
        _tap.Settle();
        var path = Assert.Single(_tap.CaseFolders());
        File.WriteAllText(Path.Combine(path, "case.json"), "{\n  \"format\": \"otlptap.case/2\",\n  oops\n}\n");
        Assert.Contains(Store().List(), listing => listing.Problem!.Contains("case.json: line 3, byte 3: ", StringComparison.Ordinal));

        Fail(2);
        _tap.Settle();
        Assert.Contains(_tap.WriterLog.Messages, message => message.Contains("line 3, byte 3", StringComparison.Ordinal));
        Assert.True(File.Exists(Path.Combine(path, "case.json.broken-1")));
        Assert.True(File.Exists(Path.Combine(path, "trace.json.broken-1"))); // of a trace that the new file does not name
        Assert.Equal(Trace(2), TapRig.ReadCase(path)!.TraceId);
    }

    [Fact]
    public void Folders_of_the_first_format_are_listed_and_left_alone()
    {
        var old = Path.Combine(_tap.Corpus.Directory, "tool_error", Trace(7).ToString());
        Directory.CreateDirectory(old);
        const string Json = """{ "format": "otlptap.case/1", "trace_id": "0000000000000abc0000000000000007", "failure": "tool_error", "service": "old", "verdicts": [], "recorded_at": "2026-10-01T00:00:00Z" }""";
        File.WriteAllText(Path.Combine(old, "case.json"), Json);
        Fail(7);
        _tap.Settle();

        Assert.Equal(Json, File.ReadAllText(Path.Combine(old, "case.json")));
        Assert.Equal(["otlptap.case/1", "otlptap.case/2"], Store().List().Select(listing => listing.Format).Order());
    }

    [Fact]
    public void Notes_of_people_survive_a_change_of_status()
    {
        Fail(1);
        _tap.Settle();
        var path = Assert.Single(_tap.CaseFolders());
        var file = Path.Combine(path, "case.json");
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"format\"", "\"note\": \"ask Bo\",\n  \"format\"", StringComparison.Ordinal).Replace(TapRig.ReadCase(path)!.Title, "the weather is down", StringComparison.Ordinal));
        Assert.True(Store().TryChange(path, new CaseChange(CaseStatus.Muted), out _));
        using var json = JsonDocument.Parse(File.ReadAllBytes(file));
        Assert.Equal("ask Bo", json.RootElement.GetProperty("note").GetString());
        Assert.Equal("the weather is down", json.RootElement.GetProperty("title").GetString());
        Assert.Equal("muted", json.RootElement.GetProperty("status").GetString());
    }

    public void Dispose() => _tap.Dispose();

    private CaseStore Store() => new(_tap.Corpus.Directory, _tap.Time);

    private void Fail(int trace, string message = "no answer", string version = "", int number = 2, int secondsLate = 0)
    {
        var span = Failing(trace, message);
        if (number != 2)
        {
            span.SpanId = Bytes(SpanOf(number));
        }

        // When the trace began decides whether it was after a fix: now, by the tests' clock.
        var now = (ulong)(_tap.Time.GetUtcNow().ToUnixTimeMilliseconds() - (secondsLate * 1000L)) * 1_000_000;
        span.StartTimeUnixNano = now;
        span.EndTimeUnixNano = now + 1;
        var request = RequestFrom("weather-agent", span);
        if (version.Length > 0)
        {
            request.ResourceSpans[0].Resource.Attributes.Add(Text("service.version", version));
        }

        _tap.Receive(request);
    }

    private static Span Failing(int trace, string message)
    {
        var span = Span(trace, 2, failed: true, parent: 0);
        span.Status.Message = message;
        return span;
    }

    private static KeyValue Text(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value } };
}
