using System.Text.Json;
using Google.Protobuf;
using OtlpTap.Cli;
using OtlpTap.Wire;

namespace OtlpTap.Tests.Cli;

/// <summary>The dry run: what it prints, for whom, and what it says of input that it cannot read.</summary>
public sealed class InspectCommandTests : IDisposable
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures");
    private static readonly byte[] FailingTool =
        new TraceBuilder().Span("execute_tool pay", ("gen_ai.operation.name", "execute_tool"), ("error.type", "TimeoutError")).Failed("no answer").ToBytes();

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("otlptap-test-");
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Json_is_one_object_a_line_for_each_verdict_and_nothing_else()
    {
        var file = Write("run.traces.otlp.pb", FailingTool);

        Assert.Equal(0, await InspectAsync(file, "--output", "json"));

        Assert.Equal(
            """{"trace_id":"00000000000000000000000000000001","span_id":"0000000000000001","span_name":"execute_tool pay","failure":"tool_error","rules":["genai_tool_error"],"evidence":"status=ERROR \"no answer\", gen_ai.operation.name=execute_tool, error.type=TimeoutError","source":"rule"}""" + "\n",
            _output.ToString());
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public async Task Json_is_empty_when_nothing_is_found()
    {
        Assert.Equal(0, await InspectAsync(Path.Combine(Fixtures, "dotnet-meai/success.traces.otlp.pb"), "--output", "json"));
        Assert.Equal(("", ""), (_output.ToString(), _error.ToString()));
    }

    [Fact]
    public async Task Text_is_for_people_and_ends_with_a_count()
    {
        Assert.Equal(0, await InspectAsync(Path.Combine(Fixtures, "dotnet-meai/tool-throws.traces.otlp.pb")));

        Assert.StartsWith("tool_error        execute_tool get_weather  (trace ", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("by genai_tool_error: status=ERROR", _output.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("1 verdict on 6 spans.\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_named_together_are_one_stream_in_which_a_span_that_comes_again_counts_once()
    {
        var builder = new TraceBuilder();
        var first = Write("run.traces.otlp.pb", builder.Span("execute_tool a", ("gen_ai.operation.name", "execute_tool")).Failed().ToBytes());
        var both = Write("run.traces-2.otlp.pb", builder.Span("execute_tool b", ("gen_ai.operation.name", "execute_tool")).Failed().ToBytes());

        Assert.Equal(0, await InspectAsync(first, both, first, "-o", "json"));

        Assert.Equal(["execute_tool a", "execute_tool b"], Verdicts().Select(verdict => verdict.GetProperty("span_name").GetString()));
    }

    [Fact]
    public async Task Detectors_say_what_no_rule_sees_after_the_rules_and_over_all_files()
    {
        var builder = new TraceBuilder();
        var call = Write("call.traces.otlp.pb", builder.Span(
            "chat",
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.tool.definitions", """[{"type":"function","name":"book","parameters":{"type":"object"}}]"""),
            ("gen_ai.output.messages", """[{"role":"assistant","parts":[{"type":"tool_call","id":"1","name":"bok","arguments":{}}],"finish_reason":"tool_call"}]""")).ToBytes());

        Assert.Equal(0, await InspectAsync(call, "-o", "json"));

        var verdict = Assert.Single(Verdicts());
        Assert.Equal("planning_error", verdict.GetProperty("failure").GetString());
        Assert.Equal("detector", verdict.GetProperty("source").GetString());
        Assert.Equal("unknown_tool", verdict.GetProperty("rules")[0].GetString());
        Assert.Equal("chat", verdict.GetProperty("span_name").GetString());
    }

    [Fact]
    public async Task Otlp_json_says_what_the_same_spans_in_protobuf_say()
    {
        Assert.Equal(0, await InspectAsync(Path.Combine(Fixtures, "langfuse-openai/default-exporter-json.traces.otlp.json"), "-o", "json", "--config", RuleFile()));
        var verdict = Assert.Single(Verdicts());
        Assert.Equal("get_weather", verdict.GetProperty("span_name").GetString());
        Assert.Matches("^[0-9a-f]{32}$", verdict.GetProperty("trace_id").GetString());
        Assert.Matches("^[0-9a-f]{16}$", verdict.GetProperty("span_id").GetString());

        string RuleFile() => Write("rules.yaml", """
            processors: { tap: { packs: none, detectors: { enabled: false }, rules: [ { name: weather, failure: mine, condition: 'span.name == "get_weather"' } ] } }
            """u8.ToArray());
    }

    [Fact]
    public async Task A_case_of_the_corpus_can_be_inspected_as_it_lies_there()
    {
        var request = new TraceBuilder().Span("execute_tool pay", ("gen_ai.operation.name", "execute_tool")).Failed();
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            Assert.True(OtlpTap.Otlp.OtlpJson.Write(OtlpTap.Otlp.Signal.Traces, request.ToBytes(), writer));
        }

        Assert.Equal(0, await InspectAsync(Write("trace.json", json.ToArray()), "-o", "json"));
        Assert.Single(Verdicts());
    }

    [Theory]
    [InlineData("run.traces.otlp.pb", true)]
    [InlineData("no-logs.traces-2.otlp.pb", true)]
    [InlineData("run_TRACES.pb", true)]
    [InlineData("run.logs.otlp.pb", false)]
    [InlineData("lost-traces.logs.otlp.pb", false)]
    public async Task The_file_name_says_the_signal(string name, bool isTraces)
    {
        // As logs the same bytes are a request of another schema: well-formed or not, there are no spans in them.
        await InspectAsync(Write(name, FailingTool), "-o", "json");

        Assert.Equal(isTraces ? 1 : 0, Verdicts().Count);
    }

    [Fact]
    public async Task The_option_says_the_signal_where_the_name_does_not()
    {
        var file = Write("captured.bin", FailingTool);

        Assert.Equal(2, await InspectAsync(file));
        Assert.Equal($"{file}: the file name tells no signal (a part .traces. or .logs.); say --signal traces or --signal logs\n", _error.ToString());
        Assert.Equal("", _output.ToString());

        Assert.Equal(0, await InspectAsync(file, "--signal", "traces", "-o", "json"));
        Assert.Single(Verdicts());
    }

    [Fact]
    public async Task Log_records_bring_verdicts_too()
    {
        Assert.Equal(0, await InspectAsync(Path.Combine(Fixtures, "dotnet-meai/tool-throws.logs.otlp.pb"), "-o", "json"));
        Assert.Equal("tool_error", Assert.Single(Verdicts()).GetProperty("failure").GetString());
    }

    [Fact]
    public async Task An_empty_file_is_a_request_without_spans()
    {
        Assert.Equal(0, await InspectAsync(Write("run.traces.otlp.pb", []), "-o", "json"));
        Assert.Equal(("", ""), (_output.ToString(), _error.ToString()));
    }

    [Theory]
    [InlineData("run.traces.otlp.pb", "0a0212", "byte 1: ")]
    [InlineData("run.traces.otlp.json", "", "byte 0: ")]
    [InlineData("run.traces.otlp.json", "7b227265736f757263655370616e73223a5b7d", "byte 18: ")]
    public async Task What_cannot_be_read_is_told_with_file_and_byte_and_exits_2(string name, string hex, string place)
    {
        var file = Write(name, Convert.FromHexString(hex));

        Assert.Equal(2, await InspectAsync(file));

        Assert.StartsWith($"{file}: {place}", _error.ToString(), StringComparison.Ordinal);
        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public async Task Every_truncation_of_a_capture_is_told_with_file_and_byte_or_is_a_request_by_itself()
    {
        var bytes = await File.ReadAllBytesAsync(Path.Combine(Fixtures, "dotnet-meai/tool-throws.traces.otlp.pb"), TestContext.Current.CancellationToken);
        var file = Path.Combine(_directory.FullName, "cut.traces.otlp.pb");
        for (var length = 1; length < bytes.Length; length += 97)
        {
            _error.GetStringBuilder().Clear();
            await File.WriteAllBytesAsync(file, bytes[..length], TestContext.Current.CancellationToken);
            var exitCode = await InspectAsync(file, "-o", "json");
            Assert.True(exitCode is 2 && _error.ToString().StartsWith($"{file}: byte ", StringComparison.Ordinal), $"{length} bytes: exit {exitCode}, {_error}");
        }
    }

    [Fact]
    public async Task A_missing_file_and_a_directory_are_told_and_nothing_is_printed_of_the_files_that_are_there()
    {
        var missing = Path.Combine(_directory.FullName, "missing.traces.otlp.pb");

        Assert.Equal(2, await InspectAsync(Write("run.traces.otlp.pb", FailingTool), missing, _directory.FullName));

        var lines = _error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith($"{missing}: ", lines[0], StringComparison.Ordinal);
        Assert.Equal($"{_directory.FullName}: is a directory; name the files in it", lines[1]);
        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public async Task A_configuration_that_is_wrong_exits_2_with_its_problems()
    {
        var config = Write("tap.yaml", "exporter: {}\n"u8.ToArray());

        Assert.Equal(2, await InspectAsync(Write("run.traces.otlp.pb", FailingTool), "--config", config));
        Assert.StartsWith($"{config}:1:1: exporter: unknown key", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--signal", "metrics")]
    [InlineData("--output", "xml")]
    public async Task An_option_that_is_not_understood_is_told(params string[] option)
    {
        Assert.Equal(1, await InspectAsync([Write("run.traces.otlp.pb", FailingTool), .. option]));
        Assert.Contains(option[1], _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_span_whose_text_is_no_utf8_is_judged_like_any_other()
    {
        // Found by a marker and broken: a builder of messages cannot write such bytes.
        var bytes = new TraceBuilder().Span("marker pay", ("gen_ai.operation.name", "execute_tool"), ("error.type", "marker")).Failed().ToBytes();
        while (bytes.AsSpan().IndexOf("marker"u8) is >= 0 and var at)
        {
            bytes[at] = 0xff;
        }

        Assert.Equal(0, await InspectAsync(Write("run.traces.otlp.pb", bytes), "-o", "json"));
        var verdict = Assert.Single(Verdicts());
        Assert.Equal("\ufffdarker pay", verdict.GetProperty("span_name").GetString());
        Assert.Equal("status=ERROR, gen_ai.operation.name=execute_tool, error.type=\ufffdarker", verdict.GetProperty("evidence").GetString());
    }

    [Theory]
    [InlineData(90)] // more than the generated classes take
    [InlineData(2000)] // more than OTLP/JSON is written of
    public async Task A_span_with_deeply_nested_values_is_judged_like_any_other(int depth)
    {
        var rules = Write("rules.yaml", """
            processors: { tap: { packs: none, rules: [ { name: nested, failure: mine, condition: 'span.attributes["nested"] != nil' } ] } }
            """u8.ToArray());
        var span = new TraceBuilder().Span("execute_tool pay").LastSpan.ToByteArray();
        var nested = Message(9, [.. Message(1, "nested"u8.ToArray()), .. Message(2, Nested(depth))]);
        var request = Message(1, Message(2, Message(2, [.. span, .. nested])));

        Assert.Equal(0, await InspectAsync(Write("run.traces.otlp.pb", request), "-o", "json", "--config", rules));
        var verdict = Assert.Single(Verdicts());
        Assert.Equal("execute_tool pay", verdict.GetProperty("span_name").GetString());
        Assert.StartsWith("nested=[[[[[", verdict.GetProperty("evidence").GetString(), StringComparison.Ordinal);

        static byte[] Nested(int depth)
        {
            var value = Message(1, "deep"u8.ToArray());
            for (var level = 0; level < depth; level++)
            {
                value = Message(5, Message(1, value));
            }

            return value;
        }

        static byte[] Message(int field, byte[] content)
        {
            var message = new System.Buffers.ArrayBufferWriter<byte>();
            ProtoWriter.WriteLengthDelimited(message, ProtoWriter.TagOf(field, WireType.LengthDelimited), content);
            return message.WrittenSpan.ToArray();
        }
    }

    private Task<int> InspectAsync(params string[] arguments) => CommandLine.InvokeAsync(
        CommandLine.Create((_, _) => throw new InvalidOperationException("inspect runs no tap"), InspectCommand.Create()),
        ["inspect", .. arguments],
        _output,
        _error);

    private string Write(string name, byte[] bytes)
    {
        var file = Path.Combine(_directory.FullName, name);
        File.WriteAllBytes(file, bytes);
        return file;
    }

    /// <summary>Every line printed, each an object with these keys in this order and no others.</summary>
    private List<JsonElement> Verdicts()
    {
        var verdicts = _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.All(verdicts, verdict => Assert.Equal(
            ["trace_id", "span_id", "span_name", "failure", "rules", "evidence", "source"],
            verdict.EnumerateObject().Select(property => property.Name)));
        return verdicts;
    }
}
