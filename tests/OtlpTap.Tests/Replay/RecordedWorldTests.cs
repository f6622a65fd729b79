using System.Net;
using System.Text;
using System.Text.Json;
using OtlpTap.Cli.Replaying;
using OtlpTap.Redact;
using OtlpTap.Replay;

namespace OtlpTap.Tests.Replay;

public sealed class RecordedWorldTests : IAsyncLifetime
{
    private const string Asked = """{"role":"system","content":"You are the assistant of a shop.  Refund what the customer asks for."},{"role":"user","content":[{"type":"text","text":"refund 12,50 of order 1042"}]}""";
    private const string Tools = """[{"type":"function","function":{"name":"refund","parameters":{}}}]""";

    private readonly HttpClient _http = new();
    private readonly TraceMailbox _mailbox = new(TimeProvider.System);
    private readonly ReplayRun _run = ReplayRun.New(SampleCase.Read(), ReplaySession.WorldOf(SampleCase.Read(), new RedactOptions(), withToolResults: true));
    private ReplayRig? _rig;

    public async ValueTask InitializeAsync()
    {
        _mailbox.Open(_run);
        _rig = await ReplayRig.StartAsync(_mailbox, ReplayAddressOptions.Any, hasModel: true, hasTools: true, TimeProvider.System, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _rig!.DisposeAsync();
    }

    [Fact]
    public async Task A_recorded_request_gets_its_answer_whatever_the_writing()
    {
        var answer = await PostAsync("/v1/chat/completions", $$"""{"model":"any","messages":[{{Asked}}],"tools":{{Tools}}}""");

        var choice = answer.GetProperty("choices")[0];
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        var call = choice.GetProperty("message").GetProperty("tool_calls")[0].GetProperty("function");
        Assert.Equal("refund", call.GetProperty("name").GetString());
        Assert.Equal("12,50", JsonDocument.Parse(call.GetProperty("arguments").GetString()!).RootElement.GetProperty("amount").GetString());
        Assert.Null(_run.World!.Problem);
    }

    [Fact]
    public async Task A_stream_has_the_whole_answer_and_its_end()
    {
        var call = """{"role":"assistant","tool_calls":[{"id":"another","type":"function","function":{"name":"refund","arguments":"{\"amount\": \"12,50\", \"order\": \"1042\"}"}}]},{"role":"tool","tool_call_id":"another","content":"not an amount: 12,50"}""";
        var text = await TextAsync("/v1/chat/completions", $$"""{"stream":true,"stream_options":{"include_usage":true},"messages":[{{Asked}},{{call}}],"tools":{{Tools}}}""");

        var events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(line => line["data: ".Length..]).ToList();
        Assert.Equal("[DONE]", events[^1]);
        var chunks = events[..^1].Select(data => JsonDocument.Parse(data).RootElement).ToList();
        Assert.True(chunks[^1].TryGetProperty("usage", out _));
        var said = string.Concat(chunks[..^1].Select(chunk => chunk.GetProperty("choices")[0].GetProperty("delta")).Select(delta => delta.TryGetProperty("content", out var content) ? content.GetString() : ""));
        Assert.Equal("Your request was handled.", said);
    }

    [Fact]
    public async Task The_responses_interface_has_the_same_answers()
    {
        var tools = """[{"type":"function","name":"refund","parameters":{}}]""";
        var first = await PostAsync("/v1/responses", $$"""{"instructions":"You are the assistant of a shop. Refund what the customer asks for.","input":"refund 12,50 of order 1042","tools":{{tools}}}""");
        Assert.Equal("function_call", first.GetProperty("output")[0].GetProperty("type").GetString());

        var second = await TextAsync("/v1/responses", $$"""{"stream":true,"input":[{{Asked}},{"type":"function_call","call_id":"x","name":"refund","arguments":"{\"order\":\"1042\",\"amount\":\"12,50\"}"},{"type":"function_call_output","call_id":"x","output":"not an amount: 12,50"}],"tools":{{tools}}}""");
        Assert.Contains("event: response.output_text.delta\n", second, StringComparison.Ordinal);
        Assert.Contains("event: response.completed\n", second, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("refund 13,50 of order 1042", """message 2: recorded "user: refund 12,50 of order 1042", asked with "user: refund 13,50 of order 1042".""")]
    [InlineData("", """message 2: recorded "user: refund 12,50 of order 1042", asked with nothing more""")]
    public async Task What_was_not_recorded_is_refused_with_the_first_difference(string asked, string difference)
    {
        using var body = new StringContent($$"""{"messages":[{"role":"developer","content":"You are the assistant of a shop. Refund what the customer asks for."},{"role":"user","content":"{{asked}}"}],"tools":{{Tools}}}""");
        using var answer = await _http.PostAsync(Address("/v1/chat/completions"), body, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(difference.TrimEnd('.'), _run.World!.Problem, StringComparison.Ordinal);
        Assert.Contains("unrecorded_request", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_tools_on_offer_are_a_difference()
    {
        using var body = new StringContent($$$"""{"messages":[{{{Asked}}}],"tools":[{"type":"function","function":{"name":"pay"}}]}""");
        using var answer = await _http.PostAsync(Address("/v1/chat/completions"), body, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("offered tools: recorded [refund], asked with [pay]", _run.World!.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_redaction_took_out_is_no_difference()
    {
        var redactor = new Redactor(new RedactOptions());
        Assert.Equal("user: write to [email] now", NormalRequest.Said(OtlpTap.Runs.MessageRole.User, "write to  jane.doe@example.com now", redactor));
        Assert.Equal("user: write to [email] now", NormalRequest.Said(OtlpTap.Runs.MessageRole.User, "write to [email:5f2a90c1d3e4] now", null));
        Assert.Equal("""call: f({"a":1,"b":{"c":2,"d":3}})""", NormalRequest.Call("f", """{ "b": {"d": 3, "c": 2}, "a": 1 }""", null));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Tools_are_listed_and_called_over_mcp()
    {
        var begun = await PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""");
        Assert.Equal("2025-03-26", begun.GetProperty("result").GetProperty("protocolVersion").GetString());
        using var notified = await _http.PostAsync(Address("/mcp"), new StringContent("""{"jsonrpc":"2.0","method":"notifications/initialized"}"""), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Accepted, notified.StatusCode);

        var listed = await PostAsync("/mcp", """{"jsonrpc":"2.0","id":"two","method":"tools/list"}""");
        Assert.Equal("two", listed.GetProperty("id").GetString());
        var tool = Assert.Single(listed.GetProperty("result").GetProperty("tools").EnumerateArray());
        Assert.Equal("object", tool.GetProperty("inputSchema").GetProperty("type").GetString());

        var called = await PostAsync("/mcp", """{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"refund","arguments":{"amount":"12,50","order":"1042"}}}""");
        Assert.True(called.GetProperty("result").GetProperty("isError").GetBoolean());
        Assert.Contains("not an amount", called.GetProperty("result").GetProperty("content")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Null(_run.World!.Problem);

        var refused = await PostAsync("/mcp", """{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"refund","arguments":{"amount":"1","order":"1042"}}}""");
        Assert.Contains("recorded with", refused.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains("no recorded result of refund(", _run.World!.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recorded_failure_of_a_tool_is_a_failure_over_http()
    {
        using var answer = await _http.PostAsync(Address("/tools/refund"), new StringContent("""{"order":"1042","amount":"12,50"}"""), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Contains("not an amount", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private Uri Address(string path) => new(_rig!.World, WorldEndpoint.RunPath(_run) + path);

    private async Task<JsonElement> PostAsync(string path, string body) => JsonDocument.Parse(await TextAsync(path, body)).RootElement;

    private async Task<string> TextAsync(string path, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync(Address(path), content, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, text);
        return text;
    }
}
