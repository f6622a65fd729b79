using System.Net;
using System.Text.Json;
using OtlpTap.Advice;
using OtlpTap.Health;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Web;

public sealed class AdviceEndpointsTests : IAsyncLifetime
{
    private AdviceServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await AdviceServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    /// <summary>A link on a dashboard opens what a page cannot read.</summary>
    [Theory]
    [InlineData("cross-site", "navigate", "document", HttpStatusCode.OK)]
    [InlineData("same-site", "navigate", "document", HttpStatusCode.OK)]
    [InlineData("same-origin", "navigate", "document", HttpStatusCode.Forbidden)]
    [InlineData("same-site", "navigate", "iframe", HttpStatusCode.Forbidden)]
    [InlineData("same-site", "no-cors", "script", HttpStatusCode.Forbidden)]
    [InlineData("cross-site", "cors", "empty", HttpStatusCode.Forbidden)]
    public async Task A_link_may_lead_here_and_a_page_may_not_ask(string site, string mode, string destination, HttpStatusCode expected)
    {
        using var response = await _server.GetAsync("/api/v1/advice", ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", destination));

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task All_advice_is_told_with_what_is_behind_it()
    {
        _server.Source.Publish(ScriptedAdvice.Reroute, ScriptedAdvice.AskUser);

        using var response = await _server.GetAsync("/api/v1/advice");

        Assert.Equal((HttpStatusCode.OK, "application/json", "no-cache"), (response.StatusCode, response.Content.Headers.ContentType!.ToString(), response.Headers.CacheControl!.ToString()));
        var expected =
            """
            {"version":1,"generated_at":"2026-01-01T00:00:30Z","holdout":0,"advice":[
            {"id":"tool-failing:shop/planner/search","policy":"tool-failing","advice":"reroute","service":"shop","agent":"planner","tool":"search","parameters":{"fallback_tool":"search_backup"},"since":"2026-01-01T00:00:00Z","reason":"8 of 10 calls failed in the last minute","values":{"tool.errors.ratio_1m":0.8,"tool.calls_1m":10}},
            {"id":"unhappy:shop","policy":"unhappy","advice":"ask_user","service":"shop","parameters":{},"since":"2026-01-01T00:00:00Z","reason":"8 of 10 calls failed in the last minute","values":{"tool.errors.ratio_1m":0.8,"tool.calls_1m":10}}]}
            """;
        Assert.Equal(expected.Replace("\n", "", StringComparison.Ordinal), await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("", "tool-failing unhappy slow-model")]
    [InlineData("?service=shop", "tool-failing unhappy slow-model")]
    [InlineData("?service=other", "slow-model")]
    [InlineData("?service=shop&agent=planner&tool=search&model=gpt-5", "tool-failing unhappy slow-model")]
    [InlineData("?service=shop&agent=planner&tool=pay&model=gpt-4", "unhappy")]
    [InlineData("?agent=writer", "unhappy slow-model")]
    [InlineData("?tool=search&model=", "tool-failing unhappy slow-model")]
    public async Task Only_what_concerns_the_asker_is_told(string query, string policies)
    {
        _server.Source.Publish(ScriptedAdvice.Reroute, ScriptedAdvice.AskUser, ScriptedAdvice.SmallerModel);

        var advice = await AdviceAsync(query);

        Assert.Equal(policies, string.Join(' ', advice.GetProperty("advice").EnumerateArray().Select(item => item.GetProperty("policy").GetString())));
    }

    [Theory]
    [InlineData("?servce=shop", "`servce` is not known: there are `service`, `agent`, `tool`, `model` and `trace_id`")]
    [InlineData("?tool=a&tool=b", "`tool` is given 2 times")]
    [InlineData("?trace_id=7", "`trace_id` must be 32 hexadecimal digits")]
    [InlineData("?trace_id=00000000000000000000000000000000", "`trace_id` must be 32 hexadecimal digits")]
    public async Task A_question_that_is_none_is_refused_with_the_reason(string query, string reason)
    {
        foreach (var path in (string[])["/api/v1/advice", "/api/v1/advice/stream"])
        {
            using var response = await _server.GetAsync(path + query);

            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.StartsWith(reason, (await BodyAsync(response)).GetProperty("error").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_name_beyond_all_measure_is_refused()
    {
        using var response = await _server.GetAsync($"/api/v1/advice?tool={new string('x', 257)}");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task A_trace_that_is_held_out_gets_no_advice_and_is_told_so()
    {
        _server.Source.Publish(ScriptedAdvice.AskUser);
        _server.Source.Holdout = 0.5;
        var ids = Enumerable.Range(1, 40).Select(number => new TraceId(7, (ulong)number)).ToList();

        foreach (var id in ids)
        {
            var advice = await AdviceAsync($"?trace_id={id}");
            Assert.Equal(Holdout.Has(id, 0.5), advice.GetProperty("held_out").GetBoolean());
            Assert.Equal(Holdout.Has(id, 0.5) ? 0 : 1, advice.GetProperty("advice").GetArrayLength());
        }

        Assert.Equal([false, true], ids.Select(id => Holdout.Has(id, 0.5)).Distinct().Order());
        Assert.False((await AdviceAsync("")).TryGetProperty("held_out", out _));
    }

    [Fact]
    public async Task What_a_client_has_is_not_told_again_until_it_changes()
    {
        _server.Source.Publish(ScriptedAdvice.AskUser);
        using var first = await _server.GetAsync("/api/v1/advice?service=shop");
        var tag = first.Headers.ETag!.ToString();
        Assert.StartsWith("W/\"1-", tag, StringComparison.Ordinal);

        foreach (var known in (string[])[tag, tag[2..], $"\"other\", {tag}", "*"])
        {
            using var same = await _server.GetAsync("/api/v1/advice?service=shop", ("If-None-Match", known));
            Assert.Equal((HttpStatusCode.NotModified, tag, 0L), (same.StatusCode, same.Headers.ETag!.ToString(), same.Content.Headers.ContentLength ?? 0));
        }

        using var otherQuery = await _server.GetAsync("/api/v1/advice?agent=shop", ("If-None-Match", tag));
        Assert.Equal(HttpStatusCode.OK, otherQuery.StatusCode);

        _server.Source.Holdout = 0.1;
        using var otherShare = await _server.GetAsync("/api/v1/advice?service=shop", ("If-None-Match", tag));
        Assert.Equal(HttpStatusCode.OK, otherShare.StatusCode);
        _server.Source.Holdout = 0;

        _server.Source.Publish();
        using var changed = await _server.GetAsync("/api/v1/advice?service=shop", ("If-None-Match", tag));
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
    }

    /// <summary>Versions begin anew with the process.</summary>
    [Fact]
    public async Task Another_taps_entity_tag_is_not_taken_for_this_ones()
    {
        await using var other = await AdviceServer.StartAsync();
        using var theirs = await other.GetAsync("/api/v1/advice");

        using var response = await _server.GetAsync("/api/v1/advice", ("If-None-Match", theirs.Headers.ETag!.ToString()));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_value_that_is_no_number_is_left_out()
    {
        _server.Source.Publish(ScriptedAdvice.AskUser with { Values = new Dictionary<string, double> { ["a"] = double.NaN, ["b"] = 1 } });

        Assert.Equal("""{"b":1}""", (await AdviceAsync("")).GetProperty("advice")[0].GetProperty("values").GetRawText());
    }

    private async Task<JsonElement> AdviceAsync(string query)
    {
        using var response = await _server.GetAsync("/api/v1/advice" + query);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await BodyAsync(response);
    }

    private static async Task<JsonElement> BodyAsync(HttpResponseMessage response)
    {
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return json.RootElement.Clone();
    }
}
