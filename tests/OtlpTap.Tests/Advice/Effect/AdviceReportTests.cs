using System.Net;
using System.Text.Json;
using OtlpTap.Cli;
using OtlpTap.Runs;
using OtlpTap.Tests.Web;
using OtlpTap.Verdicts;
using OtlpTap.Web;

namespace OtlpTap.Tests.Advice.Effect;

/// <summary>The report over a real socket, as programs and people read it.</summary>
public sealed class AdviceReportTests : IAsyncLifetime
{
    private readonly EffectWorld _world = new();
    private readonly LoopbackServer _server;
    private string[] _inForce = ["tool-failing", "model-slow"];

    public AdviceReportTests() => _server = new LoopbackServer(server => server.MapAdviceReport(_world.Outcomes.Report, () => _inForce));

    public async ValueTask InitializeAsync() => await _server.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _world.Dispose();
    }

    [Fact]
    public async Task The_report_has_arms_effect_and_what_it_rests_on()
    {
        Live();

        var policy = Assert.Single((await ReadAsync("")).GetProperty("policies").EnumerateArray());

        Assert.Equal("tool-failing", policy.GetProperty("policy").GetString());
        var effect = policy.GetProperty("effect");
        Assert.Equal("helps", effect.GetProperty("claim").GetString());
        Assert.False(effect.GetProperty("biased").GetBoolean());
        Assert.InRange(effect.GetProperty("difference").GetDouble(), 0.2, 0.6);
        Assert.True(effect.GetProperty("interval")[0].GetDouble() > 0);
        Assert.True(policy.GetProperty("as_treated").GetProperty("biased").GetBoolean());
        Assert.Equal(effect.GetProperty("with").GetProperty("runs").GetInt64(), policy.GetProperty("arms").GetProperty("fallback").GetProperty("runs").GetInt64() + policy.GetProperty("arms").GetProperty("advised").GetProperty("runs").GetInt64());
        var item = Assert.Single(policy.GetProperty("advice").EnumerateArray());
        Assert.Equal(("tool-failing:shop/planner/search", "search"), (item.GetProperty("id").GetString(), item.GetProperty("tool").GetString()));
        Assert.Equal(1, effect.GetProperty("with").GetProperty("with_feedback").GetInt64());
    }

    [Fact]
    public async Task It_can_be_of_one_service_or_policy()
    {
        Live();

        Assert.Empty((await ReadAsync("?service=bank")).GetProperty("policies").EnumerateArray());
        Assert.Single((await ReadAsync("?service=shop&policy=tool-failing")).GetProperty("policies").EnumerateArray());
        Assert.Empty((await ReadAsync("?policy=model-slow")).GetProperty("policies").EnumerateArray());
    }

    [Fact]
    public async Task A_policy_that_there_is_not_is_told_of()
    {
        Live();
        using var error = new StringWriter { NewLine = "\n" };
        var root = CommandLine.Create((_, _) => Task.FromResult(0), AdviceCommand.Create());

        Assert.Equal(1, await CommandLine.InvokeAsync(root, ["advice", "report", "--policy", "nope", "--endpoint", _server.Client.BaseAddress!.Authority], new StringWriter(), error));

        Assert.Equal("no policy is named `nope`: there are `model-slow`, `tool-failing`\n", error.ToString());
    }

    [Fact]
    public async Task A_policy_of_yesterday_is_still_reported_on()
    {
        Live();
        _inForce = [];

        Assert.Single((await ReadAsync("?policy=tool-failing")).GetProperty("policies").EnumerateArray());
    }

    [Theory]
    [InlineData("?polcy=x", "`polcy` is not known: there are `policy` and `service`")]
    [InlineData("?policy=a&policy=b", "`policy` is given 2 times")]
    public async Task What_cannot_be_asked_is_said(string query, string reason)
    {
        using var answer = await _server.Client.GetAsync($"/api/v1/advice/report{query}", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(reason, body.RootElement.GetProperty("error").GetString());
    }

    [Fact]
    public async Task A_name_beyond_all_measure_is_refused()
    {
        using var answer = await _server.Client.GetAsync($"/api/v1/advice/report?service={new string('x', 513)}", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("has more than 512 characters", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task People_read_it_as_a_table()
    {
        Live();

        var text = await CommandAsync("report");

        Assert.StartsWith("Did advice help?\n", text, StringComparison.Ordinal);
        Assert.Contains("tool-failing in shop\n  It helps: success +", text, StringComparison.Ordinal);
        Assert.Contains("  with advice ", text, StringComparison.Ordinal);
        Assert.Contains("biased: agents chose", text, StringComparison.Ordinal);
        Assert.Matches(@"last taken \(hour, UTC\)\n(.*  \d{4}-\d\d-\d\d \d\d:00\n)+$", text);
        Assert.DoesNotContain("\u001b", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_markdown_where_a_page_wants_it()
    {
        Live();

        var text = await CommandAsync("report", "--format", "markdown");

        Assert.Contains("\n## tool-failing in shop\n\nIt helps: success +", text, StringComparison.Ordinal);
        Assert.Contains("\n| with advice ", text, StringComparison.Ordinal);
        Assert.Contains(@"evil\|tool", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_report_says_so()
    {
        _world.Advice.Holdout = 0;

        Assert.Contains("No run was concerned by advice.", await CommandAsync("report"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Programs_read_it_as_json()
    {
        Live();

        using var body = JsonDocument.Parse(await CommandAsync("report", "--format", "json", "--service", "shop"));

        Assert.Single(body.RootElement.GetProperty("policies").EnumerateArray());
    }

    [Fact]
    public async Task A_tap_that_cannot_be_reached_or_has_no_report_is_an_error()
    {
        var error = new StringWriter();
        var root = CommandLine.Create((_, _) => Task.FromResult(0), AdviceCommand.Create());

        Assert.Equal(1, await CommandLine.InvokeAsync(root, ["advice", "list", "--endpoint", _server.Client.BaseAddress!.Authority], new StringWriter(), error));
        Assert.Contains("answered 404", error.ToString(), StringComparison.Ordinal);
    }

    // Advice that helps, a fallback of an agent's own on a tool with a strange name, and one opinion.
    private void Live()
    {
        var advice = _world.Advice.Raise(EffectWorld.Search);
        for (var i = 0; i < 300; i++)
        {
            _world.Run(advice, toolWorks: 0.4, fallbackWorks: 0.85, follows: 0.9);
        }

        var praised = _world.NewTrace(isHeldOut: false);
        _world.Send(_world.Fallback(praised, adviceId: advice.Id), _world.Root(praised));
        _world.Judge(praised, FailureKind.PositiveFeedback, source: VerdictSource.Feedback);
        _world.Score(praised, 0.9);
        for (var i = 0; i < 40; i++)
        {
            var trace = _world.NewTrace();
            _world.Send(_world.Step(trace, StepKind.Tool, "evil|tool\u001b[2J", failure: "tool_error") with { Service = "bank" });
            _world.Time.Advance(TimeSpan.FromSeconds(2));
            _world.Send(_world.Fallback(trace, "cached", reason: "timeout after 30 s") with { Service = "bank" }, _world.Root(trace) with { Service = "bank" });
        }

        _world.Settle();
    }

    private async Task<string> CommandAsync(params string[] arguments)
    {
        var (output, error) = (new StringWriter { NewLine = "\n" }, new StringWriter());
        var root = CommandLine.Create((_, _) => Task.FromResult(0), AdviceCommand.Create());

        Assert.Equal(0, await CommandLine.InvokeAsync(root, ["advice", .. arguments, "--endpoint", _server.Client.BaseAddress!.Authority], output, error));
        Assert.Equal("", error.ToString());
        return output.ToString();
    }

    private async Task<JsonElement> ReadAsync(string query)
    {
        using var answer = await _server.Client.GetAsync($"/api/v1/advice/report{query}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return body.RootElement.Clone();
    }
}
