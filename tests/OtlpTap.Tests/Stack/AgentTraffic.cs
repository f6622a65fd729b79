using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using OtlpTap.Otlp;
using OtlpTap.Tests.EndToEnd;

namespace OtlpTap.Tests.Stack;

/// <summary>What a fleet of agents and its users do in an hour, in seconds: good runs and bad ones, fallbacks, evaluations, feedback.</summary>
internal sealed class AgentTraffic(RunningTap tap) : IDisposable
{
    private const string Service = "shop";
    private readonly HttpClient _http = new();
    private int _number;
    private int _round;

    /// <summary>A handful of runs, each another story.</summary>
    public async Task RoundAsync()
    {
        await RunAsync(toolFails: false);
        var failing = await RunAsync(toolFails: true);
        await RunAsync(toolFails: true, fallback: "reroute");
        var cut = await RunAsync(toolFails: false, answer: "It arrives on", finish: "length");
        await RunAsync(toolFails: false, answer: "");
        await EvaluateAsync(cut);
        await FeelAsync(failing, "down");
        await FeelAsync(cut, "up");
        await InsistAsync();
        await tap.ExportAsync(Signal.Metrics, []);
    }

    public void Dispose() => _http.Dispose();

    /// <summary>An agent that asks a model, calls a tool and answers.</summary>
    /// <returns>The trace's id.</returns>
    private async Task<string> RunAsync(bool toolFails, string answer = "It arrives on Tuesday.", string finish = "stop", string? fallback = null, string? session = null, string question = "When does order 1042 arrive?")
    {
        var trace = $"{Random.Shared.NextInt64():x16}{++_number:x16}";
        var root = SpanId();
        var start = DateTimeOffset.UtcNow;
        var spans = new JsonArray
        {
            Span(trace, root, "", "invoke_agent planner", start, 1.2, ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "planner"), ("gen_ai.conversation.id", session ?? $"session {_number}")),
            Span(
                trace, SpanId(), root, "chat m-1", start, 0.8, ("gen_ai.operation.name", "chat"), ("gen_ai.agent.name", "planner"), ("gen_ai.request.model", "m-1"), ("gen_ai.response.id", "answer " + trace),
                ("gen_ai.response.finish_reasons", new[] { finish }), ("gen_ai.usage.input_tokens", 120), ("gen_ai.usage.output_tokens", 12), ("gen_ai.input.messages", Message("user", question)), ("gen_ai.output.messages", Message("assistant", answer))),
        };
        var tool = Span(trace, SpanId(), root, "execute_tool search", start, 0.3, ("gen_ai.operation.name", "execute_tool"), ("gen_ai.agent.name", "planner"), ("gen_ai.tool.name", "search"));
        if (toolFails)
        {
            tool["status"] = new JsonObject { ["code"] = 2, ["message"] = "the index did not answer" };
        }

        spans.Add(tool);
        if (fallback is not null)
        {
            spans.Add(Span(trace, SpanId(), root, "otlptap.fallback", start, 0.1, ("otlptap.fallback", fallback), ("otlptap.fallback.reason", "search fails")));
        }

        await PostAsync("/v1/traces", new JsonObject { ["resourceSpans"] = new JsonArray(new JsonObject { ["resource"] = Resource(), ["scopeSpans"] = new JsonArray(new JsonObject { ["spans"] = spans }) }) });
        return trace;
    }

    /// <summary>A user who asks the same thing over and over, once a round.</summary>
    private Task<string> InsistAsync() => RunAsync(toolFails: false, session: $"session of {_round++ / 4}", question: "How can I return the red shoes that I bought last week?");

    private Task EvaluateAsync(string trace) => PostAsync("/v1/logs", new JsonObject
    {
        ["resourceLogs"] = new JsonArray(new JsonObject
        {
            ["resource"] = Resource(),
            ["scopeLogs"] = new JsonArray(new JsonObject
            {
                ["logRecords"] = new JsonArray(new JsonObject
                {
                    ["timeUnixNano"] = Nanoseconds(DateTimeOffset.UtcNow),
                    ["eventName"] = "gen_ai.evaluation.result",
                    ["traceId"] = trace,
                    ["attributes"] = Attributes(("gen_ai.evaluation.name", "relevance"), ("gen_ai.evaluation.score.value", 0.1), ("gen_ai.evaluation.score.label", "irrelevant"), ("gen_ai.response.id", "answer " + trace)),
                }),
            }),
        }),
    });

    private Task FeelAsync(string trace, string thumbs) => PostAsync("/v1/feedback", new JsonObject { ["trace_id"] = trace, ["thumbs"] = thumbs, ["comment"] = "not what I asked" });

    private async Task PostAsync(string path, JsonObject body)
    {
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var answer = await _http.PostAsync(new Uri($"http://{tap.Host.HttpEndpoint}{path}"), content);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    private static JsonObject Span(string trace, string id, string parent, string name, DateTimeOffset start, double seconds, params (string Key, object Value)[] attributes) => new()
    {
        ["traceId"] = trace,
        ["spanId"] = id,
        ["parentSpanId"] = parent,
        ["name"] = name,
        ["startTimeUnixNano"] = Nanoseconds(start),
        ["endTimeUnixNano"] = Nanoseconds(start + TimeSpan.FromSeconds(seconds)),
        ["attributes"] = Attributes(attributes),
    };

    private static JsonObject Resource() => new() { ["attributes"] = Attributes(("service.name", Service)) };

    private static JsonArray Attributes(params (string Key, object Value)[] attributes) =>
        [.. attributes.Select(attribute => new JsonObject { ["key"] = attribute.Key, ["value"] = Value(attribute.Value) })];

    private static JsonObject Value(object value) => value switch
    {
        int number => new JsonObject { ["intValue"] = number },
        string[] texts => new JsonObject { ["arrayValue"] = new JsonObject { ["values"] = new JsonArray([.. texts.Select(Value)]) } },
        double number => new JsonObject { ["doubleValue"] = number },
        _ => new JsonObject { ["stringValue"] = (string)value },
    };

    private static string Message(string role, string text) => $$"""[{"role":"{{role}}","parts":[{"type":"text","content":"{{text}}"}]}]""";

    private static string SpanId() => $"{Random.Shared.NextInt64(1, long.MaxValue):x16}";

    private static string Nanoseconds(DateTimeOffset time) => $"{(time - DateTimeOffset.UnixEpoch).Ticks * 100}";
}
