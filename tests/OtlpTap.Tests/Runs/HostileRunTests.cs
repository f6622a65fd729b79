using OtlpTap.Runs;

namespace OtlpTap.Tests.Runs;

public sealed class HostileRunTests
{
    /// <summary>Of the processor: far above what any of these takes, far below what an unbounded reader would.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void A_text_of_ten_megabytes_is_cut_and_what_is_whole_of_it_is_read()
    {
        var run = Bounded(() => new RunBuilder().Span(0, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.input.messages", $$"""[{"role":"user","parts":[{"type":"text","content":"first"}]},{"role":"user","parts":[{"type":"text","content":"{{new string('x', 10 << 20)}}"}]}]""")).Read());
        Assert.Equal("first", run.Steps[0].Input[0].Text);
        Assert.True(run.IsCut);
        Assert.True(run.Steps[0].Input.Sum(message => message.Text.Length) <= RunLimits.Default.TextLengthMax);
    }

    [Fact]
    public void A_text_that_a_backend_cut_off_is_read_as_far_as_it_goes()
    {
        var run = new RunBuilder().Span(0, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.input.messages", """[{"role":"system","parts":[{"type":"text","content":"Be kind."}]},{"role":"user","parts":[{"type":"text","content":"Where is""")).Read();
        Assert.Equal(("Where is", "Be kind."), (run.UserInput, run.SystemPrompt));
    }

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{\"messages\":[", "]}")]
    [InlineData("{\"input\":", "}")]
    [InlineData("{\"role\":\"user\",\"content\":[", "]}")]
    public void Json_nested_deeper_than_any_is_taken_as_text(string open, string close)
    {
        const int Depth = 100_000;
        var nested = string.Concat(Enumerable.Repeat(open, Depth)) + "1" + string.Concat(Enumerable.Repeat(close, Depth));
        var run = Bounded(() => new RunBuilder().Span(0, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.input.messages", nested), ("input.value", nested), ("gen_ai.output.messages", nested), ("gen_ai.tool.definitions", nested)).Read());
        Assert.Single(run.Steps);
    }

    [Fact]
    public void Texts_that_hold_json_that_holds_texts_are_opened_a_few_levels_deep()
    {
        var nested = "\"x\"";
        for (var i = 0; i < 14; i++)
        {
            nested = $$"""{"input":{{System.Text.Json.JsonSerializer.Serialize(nested)}} }""";
        }

        Assert.Single(Bounded(() => new RunBuilder().Span(0, "chat", ("gen_ai.operation.name", "chat"), ("input.value", nested)).Read()).Steps);
    }

    [Fact]
    public void Of_thousands_of_tools_and_messages_as_many_are_read_as_the_limits_say()
    {
        var limits = RunLimits.Default with { ToolsMax = 100, MessagesMax = 50 };
        var tools = "[" + string.Join(',', Enumerable.Range(0, 5_000).Select(i => $$"""{"name":"tool{{i}}","parameters":{} }""")) + "]";
        var messages = "[" + string.Join(',', Enumerable.Range(0, 5_000).Select(i => $$"""{"role":"user","content":"{{i}}","tool_calls":[{"name":"a"},{"name":"b"}]}""")) + "]";
        var step = Bounded(() => new RunBuilder().Span(0, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.tool.definitions", tools), ("gen_ai.input.messages", messages)).Read(limits)).Steps[0];
        Assert.Equal(100, step.OfferedTools!.Count);
        Assert.Equal(50, step.Input.Count);
    }

    [Fact]
    public void Of_a_hundred_thousand_spans_as_many_are_steps_as_the_limit_says()
    {
        var one = new TraceBuilder().Span("chat", ("gen_ai.operation.name", "chat"), ("gen_ai.output.messages", """[{"role":"assistant","parts":[{"type":"tool_call","id":"c","name":"t","arguments":{}}]}]""")).Request;
        var spans = one.ResourceSpans[0].ScopeSpans[0].Spans;
        var first = spans[0];
        for (var i = 2; i <= 100_000; i++)
        {
            var next = first.Clone();
            next.SpanId = Google.Protobuf.ByteString.CopyFrom(BitConverter.GetBytes((long)i));
            next.ParentSpanId = Google.Protobuf.ByteString.CopyFrom(BitConverter.GetBytes((long)i - 1));
            spans.Add(next);
        }

        var bytes = Google.Protobuf.MessageExtensions.ToByteArray(one);
        var run = Assert.Single(Bounded(() => AgentRunReader.Read(bytes, [], RunLimits.Default)));
        Assert.Equal(RunLimits.Default.StepsMax, run.Steps.Count);
        Assert.Equal(RunLimits.Default.ToolCallsMax, run.ToolCalls.Count);
        Assert.True(run.IsCut);
    }

    [Fact]
    public void Histories_of_thousands_of_calls_under_one_id_take_no_longer_than_their_length()
    {
        var calls = string.Join(',', Enumerable.Range(0, 2_000).Select(_ => """{"type":"tool_call","id":"c","name":"t","arguments":{}},{"type":"tool_call_response","id":"c","response":1}"""));
        var builder = new RunBuilder();
        for (var i = 0; i < 50; i++)
        {
            builder.Span(0, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.input.messages", $$"""[{"role":"assistant","parts":[{{calls}}]}]"""), ("gen_ai.output.messages", $$"""[{"role":"assistant","parts":[{{calls}}]}]"""));
        }

        Bounded(() => builder.Read());
    }

    [Fact]
    public void Parents_in_a_ring_and_spans_that_are_their_own_parent_are_steps_all_the_same()
    {
        var run = new RunBuilder().Span(2, "invoke_agent a", ("openinference.span.kind", "CHAIN")).Span(1, "b", ("openinference.span.kind", "CHAIN")).Span(3, "c").Read();
        Assert.Equal(3, run.Steps.Count);
    }

    [Fact]
    public void No_truncation_and_no_changed_byte_of_a_captured_trace_throws()
    {
        var bytes = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", "genkit", "tool-error-payload.traces.otlp.pb"));
        var logs = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", "otel-js-openai", "success.logs.otlp.pb"));
        for (var length = 0; length < bytes.Length; length += 7)
        {
            Assert.NotNull(AgentRunReader.Read(bytes.AsSpan(0, length), logs.AsSpan(0, Math.Min(length, logs.Length)), RunLimits.Default));
        }

        var random = new Random(17);
        for (var i = 0; i < 2_000; i++)
        {
            var changed = bytes.ToArray();
            for (var j = 0; j < 5; j++)
            {
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            }

            Assert.NotNull(AgentRunReader.Read(changed, changed, RunLimits.Default));
        }
    }

    [Fact]
    public void All_texts_together_have_a_bound()
    {
        var builder = new RunBuilder();
        for (var i = 0; i < 20; i++)
        {
            builder.Span(0, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.prompt", new string('x', 10_000)));
        }

        var run = builder.Read(RunLimits.Default with { TotalLengthMax = 50_000 });
        Assert.True(run.IsCut);
        Assert.True(run.Steps.Sum(step => step.Input.Sum(message => message.Text.Length)) <= 50_000);
    }

    private static T Bounded<T>(Func<T> read)
    {
        var started = ProcessorTime.OfThisThread;
        var result = read();
        Assert.InRange(ProcessorTime.OfThisThread - started, TimeSpan.Zero, Patience);
        return result;
    }
}
