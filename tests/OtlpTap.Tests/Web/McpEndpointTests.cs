using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Web;

public sealed class McpEndpointTests : IAsyncLifetime
{
    private AdviceServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await AdviceServer.StartAsync();
        _server.Source.Publish(ScriptedAdvice.Reroute, ScriptedAdvice.SmallerModel);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    /// <summary>The protocol's own client finds, calls and understands the tools.</summary>
    [Fact]
    public async Task The_official_client_calls_the_tools()
    {
        var node = ExternalProgram.Require("node", "nodejs");
        var client = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../clients/js"));
        ExternalProgram.RequireDirectory(Path.Combine(client, "node_modules"), "npm ci --prefix tests/clients/js");

        var run = await node.RunAsync([Path.Combine(client, "mcp.mjs"), $"{_server.Uri}mcp", "shop", "planner", "search"], input: null, Deadline.Token());

        Assert.True(run.ExitCode == 0, run.Error);
        using var said = JsonDocument.Parse(run.Output);
        Assert.Equal("""{"name":"otlptap","title":"OtlpTap","version":"1.2.3"}""", said.RootElement.GetProperty("server").GetRawText());
        Assert.Equal("""["get_my_health","get_advice"]""", said.RootElement.GetProperty("tools").GetRawText());
        Assert.Equal("""{"service":"shop","agent":"planner","values":{"tool.calls_1m":10},"tools":[{"tool":"search","values":{"tool.calls_1m":10}}],"models":[]}""", said.RootElement.GetProperty("health").GetProperty("structuredContent").GetRawText());
        Assert.Equal("search_backup", said.RootElement.GetProperty("advice").GetProperty("structuredContent").GetProperty("advice")[0].GetProperty("parameters").GetProperty("fallback_tool").GetString());
        Assert.True(said.RootElement.GetProperty("unknown").GetProperty("isError").GetBoolean());
    }

    [Theory]
    [InlineData("2025-11-25", "2025-11-25")]
    [InlineData("2025-06-18", "2025-06-18")]
    [InlineData("2025-03-26", "2025-03-26")]
    [InlineData("2024-11-05", "2025-11-25")]
    [InlineData("2099-01-01", "2025-11-25")]
    public async Task The_clients_version_is_spoken_or_the_newest_is_offered(string asked, string answered)
    {
        var (status, answer) = await PostAsync($$"""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"{{asked}}","capabilities":{},"clientInfo":{"name":"x","version":"1"} } }""");

        Assert.Equal((HttpStatusCode.OK, answered), (status, answer.GetProperty("result").GetProperty("protocolVersion").GetString()));
        Assert.Equal("""{"tools":{}}""", answer.GetProperty("result").GetProperty("capabilities").GetRawText());
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":"a","method":"ping"}""", """{"jsonrpc":"2.0","id":"a","result":{}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"method":"resources/list"}""", """{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"there are initialize, ping, tools/list and tools/call"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"rm"}}""", """{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"`name` must be one of get_my_health, get_advice"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"method":"tools/call","params":[]}""", """{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"`name` must be one of get_my_health, get_advice"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":null,"method":"ping"}""", """{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"`id` must be a string or a number"}}""")]
    [InlineData("""7""", """{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"a message is an object"}}""")]
    [InlineData("""[]""", """{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"a message is an object"}}""")]
    [InlineData("""{"id":7}""", """{"jsonrpc":"2.0","id":7,"error":{"code":-32600,"message":"`method` must be a string"}}""")]
    [InlineData("""[{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]""", """[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":2,"result":{}}]""")]
    public async Task A_message_is_answered_as_JSON_RPC_says(string message, string expected)
    {
        var (status, answer) = await PostAsync(message);

        Assert.Equal((HttpStatusCode.OK, expected), (status, answer.GetRawText()));
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","method":"notifications/initialized"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"result":{}}""")]
    [InlineData("""[{"jsonrpc":"2.0","method":"notifications/initialized"}]""")]
    public async Task To_what_is_no_question_there_is_no_answer(string message)
    {
        using var response = await SendAsync(message);

        Assert.Equal((HttpStatusCode.Accepted, ""), (response.StatusCode, await response.Content.ReadAsStringAsync(Deadline.Token())));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_advice","arguments":{"service":"\ud800"}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":"\ud800","method":"ping"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"\ud800"}""")]
    public async Task What_is_no_JSON_or_no_text_is_a_parse_error(string message)
    {
        var (status, answer) = await PostAsync(message);

        Assert.Equal((HttpStatusCode.BadRequest, -32700), (status, answer.GetProperty("error").GetProperty("code").GetInt32()));
    }

    [Theory]
    [InlineData("get_my_health", """{"service":"shop"}""", "`agent` must be a text that is not empty")]
    [InlineData("get_my_health", """{"service":"shop","agent":"nobody"}""", "nothing is known of the agent `nobody`")]
    [InlineData("get_my_health", """[1]""", "`arguments` must be an object")]
    [InlineData("get_advice", """{"service":"shop","tol":"search"}""", "`tol` is not known")]
    [InlineData("get_my_health", """{"svc":"shop","agent":"planner"}""", "`svc` is not known: there are `service` and `agent`")]
    [InlineData("get_advice", """{"service":"shop","trace_id":"7"}""", "`trace_id` must be 32 hexadecimal digits")]
    [InlineData("get_advice", """{"service":7}""", "`service` must be a text")]
    public async Task Wrong_arguments_are_told_to_the_model_that_sent_them(string tool, string arguments, string reason)
    {
        var (status, answer) = await PostAsync($$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"{{tool}}","arguments":{{arguments}} } }""");

        Assert.Equal(HttpStatusCode.OK, status);
        var result = answer.GetProperty("result");
        Assert.True(result.GetProperty("isError").GetBoolean());
        Assert.StartsWith(reason, result.GetProperty("content")[0].GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Null_and_empty_arguments_count_as_left_out()
    {
        var (_, answer) = await PostAsync("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_advice","arguments":{"service":"shop","agent":null,"tool":"","trace_id":""}}}""");

        Assert.Equal(2, answer.GetProperty("result").GetProperty("structuredContent").GetProperty("advice").GetArrayLength());
    }

    [Theory]
    [InlineData("Origin", "https://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "same-origin", HttpStatusCode.Forbidden)]
    [InlineData("MCP-Protocol-Version", "1999-01-01", HttpStatusCode.BadRequest)]
    [InlineData("MCP-Protocol-Version", "2025-06-18", HttpStatusCode.OK)]
    public async Task Browsers_and_unknown_versions_are_refused(string header, string value, HttpStatusCode expected)
    {
        using var response = await SendAsync("""{"jsonrpc":"2.0","id":1,"method":"ping"}""", (header, value));

        Assert.Equal(expected, response.StatusCode);
    }

    /// <summary>The answer to a call can be thousands of times as long as the call.</summary>
    [Theory]
    [InlineData(8, HttpStatusCode.OK)]
    [InlineData(9, HttpStatusCode.BadRequest)]
    public async Task So_many_messages_are_taken_at_once(int count, HttpStatusCode expected)
    {
        using var response = await SendAsync($"[{string.Join(',', Enumerable.Repeat("""{"jsonrpc":"2.0","id":1,"method":"ping"}""", count))}]");

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task A_message_beyond_all_measure_is_refused_and_there_is_no_stream_to_open()
    {
        using var large = await SendAsync($$"""{"jsonrpc":"2.0","id":"{{new string('x', 1 << 16)}}","method":"ping"}""");
        using var get = await _server.GetAsync("/mcp", ("Accept", "text/event-stream"));

        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, HttpStatusCode.MethodNotAllowed), (large.StatusCode, get.StatusCode));
    }

    private async Task<(HttpStatusCode Status, JsonElement Answer)> PostAsync(string message)
    {
        using var response = await SendAsync(message);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Deadline.Token()));
        return (response.StatusCode, json.RootElement.Clone());
    }

    private Task<HttpResponseMessage> SendAsync(string message, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/mcp") { Content = new StringContent(message, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return _server.Client.SendAsync(request, Deadline.Token());
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
