using System.Net;
using System.Text;
using System.Text.Json;
using OtlpTap.Corpus;
using OtlpTap.Hosting;
using OtlpTap.Tests.Corpus;
using OtlpTap.Web;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Web;

/// <summary>Over a real socket, with the folder of a tap that is at work.</summary>
public sealed class CasesEndpointTests : IAsyncLifetime
{
    private readonly TapRig _tap = new();
    private readonly LoopbackServer _server;
    private readonly CaseRequests _requests;

    public CasesEndpointTests()
    {
        _requests = new CaseRequests(new CaseStore(_tap.Corpus.Directory, _tap.Time), WriteCounts, _tap.Time);
        _server = new LoopbackServer(server => server.MapCases(_requests.Api));
    }

    public async ValueTask InitializeAsync() => await _server.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _requests.Dispose();
        _tap.Dispose();
    }

    [Fact]
    public async Task Without_a_folder_there_are_no_cases()
    {
        var (status, json, _) = await GetAsync("");

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("""{"cases":[],"total":0,"next":null,"unreadable":[]}""", json.GetRawText());
    }

    [Fact]
    public async Task Cases_are_listed_the_newest_first_with_counts_as_they_are()
    {
        Make(3);
        Fail(11, "service 1");
        _tap.Settle();
        Assert.Null(CaseStore.ReadSeen(PathOf(1))); // the file is behind

        var (_, json, _) = await GetAsync("");

        Assert.Equal([IdOf(3), IdOf(2), IdOf(1)], Ids(json));
        var oldest = json.GetProperty("cases")[2];
        Assert.Equal(2, oldest.GetProperty("count").GetInt32());
        Assert.Equal("service 1", oldest.GetProperty("agent").GetString());
        Assert.Equal("service 1: tool error in `step 1`: no answer", oldest.GetProperty("title").GetString());
        Assert.NotEmpty(oldest.GetProperty("counted_at").GetString()!);
        Assert.Equal(3, json.GetProperty("total").GetInt32());
    }

    [Fact]
    public async Task Cases_are_filtered_by_status_failure_agent_and_service()
    {
        Make(3);
        var refused = Span(4, 1);
        refused.Name = "refused";
        _tap.Receive(RequestFrom("service 4", refused));
        _tap.Settle();
        Change(IdOf(1), CaseStatus.Muted);
        Change(IdOf(2), CaseStatus.Fixed);

        Assert.Equal([IdOf(1)], Ids((await GetAsync("?status=muted")).Json));
        Assert.Equal([IdOf(2), IdOf(1)], Ids((await GetAsync("?status=muted,fixed")).Json));
        Assert.Equal([IdOf(2), IdOf(1)], Ids((await GetAsync("?status=muted&status=fixed")).Json));
        Assert.Equal([IdOf(4, "refusal")], Ids((await GetAsync("?failure=refusal")).Json));
        Assert.Equal([IdOf(3)], Ids((await GetAsync("?agent=service%203")).Json));
        Assert.Equal([IdOf(3)], Ids((await GetAsync("?service=service%203&status=open")).Json));
        Assert.Empty(Ids((await GetAsync("?service=nobody")).Json));
    }

    [Fact]
    public async Task Every_case_stands_on_one_page_whatever_happens_between_the_pages()
    {
        Make(7);
        var all = Enumerable.Range(1, 7).Select(trace => IdOf(trace)).Reverse().ToList();
        var read = new List<string>();
        var cursor = "";
        do
        {
            var (_, json, _) = await GetAsync($"?limit=3&status=open{cursor}");
            read.AddRange(Ids(json));
            cursor = json.GetProperty("next").GetString() is { } next ? $"&cursor={Uri.EscapeDataString(next)}" : "";

            // An old one occurs, a new one comes, and the last one of the page matches no more.
            Fail(20 + read.Count, "service 2");
            Fail(40 + read.Count, $"service {40 + read.Count}");
            _tap.Settle();
            if (read.Count == 3)
            {
                Change(read[^1], CaseStatus.Muted);
            }
        }
        while (cursor.Length > 0);

        Assert.Equal(all, read);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync("?cursor=tool_error/0123456789abcdef")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync("?cursor=/etc/passwd")).Status);
    }

    [Theory]
    [InlineData("?status=closed", "`status` is `closed`")]
    [InlineData("?limit=0", "`limit` must be a number from 1 to 1000")]
    [InlineData("?limit=1001", "`limit` must be")]
    [InlineData("?limit=x", "`limit` must be")]
    [InlineData("?limit=1&limit=2", "`limit` is given 2 times")]
    [InlineData("?failures=x", "`failures` is not known")]
    public async Task A_question_that_is_none_is_refused_with_the_reason(string query, string reason)
    {
        var (status, json, _) = await GetAsync(query);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.StartsWith(reason, json.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_case_is_shown_as_its_file_is_with_its_counts()
    {
        Make(1);
        Fail(2, "service 1");
        _tap.Settle();

        var (status, json, tag) = await GetAsync($"/{IdOf(1).ToUpperInvariant()}");

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.True(JsonElement.DeepEquals(_tap.Case(1), json.GetProperty("case")));
        Assert.Equal(2, json.GetProperty("seen").GetProperty("count").GetInt32());
        Assert.Matches("^\"[0-9a-f]{16}\"$", tag);
    }

    [Theory]
    [InlineData("0123456789abcdef", HttpStatusCode.NotFound)]
    [InlineData("0123456789abcde", HttpStatusCode.BadRequest)]
    [InlineData("..%2f..%2fetc%2fpasswd", HttpStatusCode.BadRequest)]
    public async Task What_is_no_case_is_told(string fingerprint, HttpStatusCode expected)
    {
        Make(1);
        var (status, json, _) = await GetAsync($"/{fingerprint}");

        Assert.Equal(expected, status);
        Assert.NotEmpty(json.GetProperty("error").GetString()!);
        Assert.Equal(expected, (await PostAsync(fingerprint, """{"status":"muted"}""")).Status);
    }

    [Theory]
    [InlineData("""{"status":"muted"}""", CaseStatus.Muted, null, null)]
    [InlineData("""{"status":"muted","reason":"known","version":null}""", CaseStatus.Muted, "known", null)]
    [InlineData("""{"status":"expected","reason":"by design"}""", CaseStatus.Expected, "by design", null)]
    [InlineData("""{"status":"fixed","version":"2.1","reason":"timeout raised"}""", CaseStatus.Fixed, "timeout raised", "2.1")]
    [InlineData("""{"status":"regressed"}""", CaseStatus.Regressed, null, null)]
    [InlineData("""{"status":"open"}""", CaseStatus.Open, null, null)]
    public async Task The_life_of_a_case_is_changed(string body, object expected, string? reason, string? version)
    {
        Make(1);
        var (status, json, tag) = await PostAsync(IdOf(1), body);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(((CaseStatus)expected).Name(), json.GetProperty("case").GetProperty("status").GetString());
        Assert.Equal(new CaseLife((CaseStatus)expected, _tap.Time.GetUtcNow(), reason, version), TapRig.ReadCase(PathOf(1))!.Life);
        Assert.Equal((await GetAsync($"/{IdOf(1)}")).Tag, tag);
    }

    [Theory]
    [InlineData("", "`status` must be open, fixed")]
    [InlineData("{", "the body is no JSON: it ends too early (byte 1)")]
    [InlineData("[]", "the body must be a JSON object")]
    [InlineData("""{"status":"closed"}""", "`status` must be open, fixed")]
    [InlineData("""{"status":7}""", "`status` must be a string")]
    [InlineData("""{"status":"muted","why":"so"}""", "`why` is not known: there are `status`, `reason` and `version`")]
    [InlineData("""{"status":"expected"}""", "`expected` needs a `reason`")]
    [InlineData("""{"status":"expected","reason":" "}""", "`expected` needs a `reason`")]
    [InlineData("""{"status":"muted","version":"2"}""", "`version` goes with `fixed`")]
    [InlineData("""{"status":"fixed","version":""}""", "`version` must have 1 to 256 characters")]
    public async Task A_change_that_is_none_is_refused_with_the_reason_and_changes_nothing(string body, string reason)
    {
        Make(1);
        var (status, json, _) = await PostAsync(IdOf(1), body);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.StartsWith(reason, json.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(CaseLife.Open, TapRig.ReadCase(PathOf(1))!.Life);
    }

    [Fact]
    public async Task Too_much_to_read_is_refused()
    {
        Make(1);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await PostAsync(IdOf(1), $$"""{"status":"muted","reason":"{{new string('x', 100_000)}}"}""")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(IdOf(1), $$"""{"status":"muted","reason":"{{new string('x', 5_000)}}"}""")).Status);
        Assert.Equal(CaseLife.Open, TapRig.ReadCase(PathOf(1))!.Life);
    }

    [Fact]
    public async Task Who_has_seen_an_older_file_changes_nothing()
    {
        Make(1);
        var (_, _, tag) = await GetAsync($"/{IdOf(1)}");
        Change(IdOf(1), CaseStatus.Fixed);

        var (status, json, _) = await PostAsync(IdOf(1), """{"status":"muted"}""", ("If-Match", tag!));
        Assert.Equal(HttpStatusCode.PreconditionFailed, status);
        Assert.Equal("the case has changed since it was read: read it again", json.GetProperty("error").GetString());
        Assert.Equal(CaseStatus.Fixed, TapRig.ReadCase(PathOf(1))!.Life.Status);

        Assert.Equal(HttpStatusCode.OK, (await PostAsync(IdOf(1), """{"status":"muted"}""", ("If-Match", (await GetAsync($"/{IdOf(1)}")).Tag!))).Status);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(IdOf(1), """{"status":"open"}""", ("If-Match", "*"))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(IdOf(1), """{"status":"open"}""", ("If-Match", "abc"))).Status);
    }

    [Fact]
    public async Task A_further_occurrence_does_not_change_what_If_Match_compares()
    {
        Make(1);
        var (_, _, tag) = await GetAsync($"/{IdOf(1)}");
        Fail(2, "service 1");
        _tap.Settle();
        Assert.Equal(tag, (await GetAsync($"/{IdOf(1)}")).Tag);
    }

    [Theory]
    [InlineData("Origin", "http://evil.example")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-origin")]
    public async Task Pages_that_a_browser_shows_see_and_change_nothing(string header, string value)
    {
        Make(1);
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync("", (header, value))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync($"/{IdOf(1)}", (header, value))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(IdOf(1), """{"status":"muted"}""", (header, value))).Status);
        Assert.Equal(CaseLife.Open, TapRig.ReadCase(PathOf(1))!.Life);
    }

    [Fact]
    public async Task What_a_person_types_into_the_address_bar_is_answered()
    {
        Make(1);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("", ("Sec-Fetch-Site", "none"))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(IdOf(1), """{"status":"muted"}""", ("Sec-Fetch-Site", "none"))).Status);
    }

    [Fact]
    public async Task A_broken_file_is_told_with_its_line_and_the_others_are_listed()
    {
        Make(2);
        await File.WriteAllTextAsync(Path.Combine(PathOf(1), "case.json"), "{\n  oops", TestContext.Current.CancellationToken);
        var broken = Directory.GetDirectories(Path.Combine(_tap.Corpus.Directory, "tool_error")).Single(path => path != PathOf(2));

        var (_, json, _) = await GetAsync("");
        Assert.Equal([IdOf(2)], Ids(json));
        Assert.Contains("case.json: line 2, byte 3: ", Assert.Single(json.GetProperty("unreadable").EnumerateArray()).GetString(), StringComparison.Ordinal);

        foreach (var (status, error, _) in new[] { await GetAsync($"/{Path.GetFileName(broken)}"), await PostAsync(Path.GetFileName(broken), """{"status":"muted"}""") })
        {
            Assert.Equal(HttpStatusCode.InternalServerError, status);
            Assert.Contains("line 2, byte 3", error.GetProperty("error").GetString(), StringComparison.Ordinal);
        }

        Assert.Equal("{\n  oops", await File.ReadAllTextAsync(Path.Combine(broken, "case.json"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_case_of_the_first_format_is_listed_and_cannot_be_changed()
    {
        var id = Trace(7).ToString();
        var old = Directory.CreateDirectory(Path.Combine(_tap.Corpus.Directory, "tool_error", id));
        var text = $$"""{ "format": "otlptap.case/1", "trace_id": "{{id}}", "failure": "tool_error", "service": "old", "verdicts": [], "recorded_at": "2026-10-01T00:00:00Z" }""";
        await File.WriteAllTextAsync(Path.Combine(old.FullName, "case.json"), text, TestContext.Current.CancellationToken);

        Assert.Equal([id], Ids((await GetAsync("")).Json));
        foreach (var (status, json, _) in new[] { await GetAsync($"/{id}"), await PostAsync(id, """{"status":"muted"}""") })
        {
            Assert.Equal(HttpStatusCode.Conflict, status);
            Assert.Contains("first format, otlptap.case/1", json.GetProperty("error").GetString(), StringComparison.Ordinal);
        }

        Assert.Equal(text, await File.ReadAllTextAsync(Path.Combine(old.FullName, "case.json"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_told_and_to_be_tried_again()
    {
        Make(1);
        Directory.CreateDirectory(Path.Combine(PathOf(1), ".case.json.tmp"));
        var (status, json, _) = await PostAsync(IdOf(1), """{"status":"muted"}""");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.NotEmpty(json.GetProperty("error").GetString()!);
        Assert.Equal(CaseLife.Open, TapRig.ReadCase(PathOf(1))!.Life);
    }

    [Fact]
    public async Task A_changed_file_is_read_anew_by_the_next_list()
    {
        Make(2);
        Assert.Equal(2, Ids((await GetAsync("?status=open")).Json).Length);
        _tap.Pass(1);
        Change(IdOf(2), CaseStatus.Muted);
        Assert.Equal([IdOf(1)], Ids((await GetAsync("?status=open")).Json));
        Directory.Delete(PathOf(1), recursive: true);
        Assert.Empty(Ids((await GetAsync("?status=open")).Json));
    }

    private Task WriteCounts()
    {
        var written = _tap.Captures.WriteCountsAsync();
        _tap.Captures.WriteDue();
        return written;
    }

    private void Make(int cases)
    {
        for (var trace = 1; trace <= cases; trace++)
        {
            Fail(trace, $"service {trace}");
            _tap.Settle();
        }
    }

    private void Fail(int trace, string service) => _tap.Receive(RequestFrom(service, Span(trace, 1, failed: true)));

    private string PathOf(int trace, string failure = "tool_error") => _tap.CasePath(trace, failure);

    private string IdOf(int trace, string failure = "tool_error") => Path.GetFileName(PathOf(trace, failure));

    private void Change(string id, CaseStatus status)
    {
        var store = new CaseStore(_tap.Corpus.Directory, _tap.Time);
        Assert.True(store.TryChange(store.PathOf(id)!, new CaseChange(status), out var problem), problem);
    }

    private static string[] Ids(JsonElement json) => [.. json.GetProperty("cases").EnumerateArray().Select(listed => listed.GetProperty("id").GetString()!)];

    private Task<(HttpStatusCode Status, JsonElement Json, string? Tag)> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/api/v1/cases{path}"), headers);

    private Task<(HttpStatusCode Status, JsonElement Json, string? Tag)> PostAsync(string id, string body, params (string Name, string Value)[] headers) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/api/v1/cases/{id}") { Content = new StringContent(body, Encoding.UTF8, "application/json") }, headers);

    private async Task<(HttpStatusCode Status, JsonElement Json, string? Tag)> SendAsync(HttpRequestMessage request, (string Name, string Value)[] headers)
    {
        using (request)
        {
            foreach (var (name, value) in headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            using var response = await _server.Client.SendAsync(request, TestContext.Current.CancellationToken);
            using var json = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
            Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
            return (response.StatusCode, json.RootElement.Clone(), response.Headers.ETag?.ToString());
        }
    }
}
