using Google.Protobuf;
using OtlpTap.Health;
using OtlpTap.Health.Steps;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Runs;
using OtlpTap.Tests.Scan;

namespace OtlpTap.Tests.Health;

public sealed class SpanReaderTests
{
    private readonly ObservedSteps _steps = new();

    [Fact]
    public void A_tools_span_is_told_with_all_that_it_says()
    {
        Read(new TraceBuilder().Resource("shop").Span("execute_tool search", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "search"), ("gen_ai.agent.name", "planner")));

        var fact = Assert.Single(_steps.Facts);
        Assert.Equal((StepKind.Tool, "shop", "planner", "search", ""), (fact.Kind, fact.Service, fact.Agent, fact.Tool, fact.Model));
        Assert.Equal(1.0, fact.Seconds);
        Assert.Null(fact.Failure);
        Assert.Null(fact.Fallback);
    }

    /// <summary>A counter that was told of 2^63 tokens, or a sum of seconds since 1970, says nothing of what comes after it.</summary>
    [Theory]
    [InlineData(long.MaxValue, 0)]
    [InlineData(-5, 0)]
    [InlineData(SpanFact.TokensMax + 1, 0)]
    [InlineData(SpanFact.TokensMax, SpanFact.TokensMax)]
    public void Tokens_that_cannot_be_are_none(long said, long told)
    {
        Read(new TraceBuilder().Resource("shop").Span("chat m", ("gen_ai.operation.name", "chat"), ("gen_ai.usage.input_tokens", said), ("gen_ai.usage.output_tokens", said)));

        var fact = Assert.Single(_steps.Facts);
        Assert.Equal((told, told), (fact.InputTokens, fact.OutputTokens));
    }

    [Fact]
    public void A_step_that_began_in_1970_took_nobody_knows_how_long()
    {
        var week = (ulong)SpanFact.SecondsMax * 1_000_000_000;

        Assert.Equal(SpanFact.SecondsMax, new SpanFact { StartUnixNano = 1, EndUnixNano = 1 + week }.Seconds);
        Assert.Null(new SpanFact { StartUnixNano = 1, EndUnixNano = 2 + week }.Seconds);
    }

    [Fact]
    public void What_an_observer_could_not_take_is_not_told_again_with_the_next_request()
    {
        var failing = new FailsOnce();
        var steps = new ObservedSteps(others: failing);
        var request = new TraceBuilder().Resource("shop").Span("execute_tool search", ("gen_ai.operation.name", "execute_tool")).Request.ToByteArray();

        Assert.Throws<InvalidOperationException>(() => steps.Read(request));
        steps.Read(request);

        Assert.Equal(1, failing.Told);
    }

    [Fact]
    public void Spans_of_other_software_are_passed_over()
    {
        Read(new TraceBuilder().Resource("shop").Span("GET /", ("http.request.method", "GET"), ("url.path", "/")).Span("select", ("db.system", "postgresql")));

        Assert.Empty(_steps.Facts);
    }

    [Fact]
    public void A_fallback_is_told_on_whatever_span_it_stands()
    {
        Read(new TraceBuilder().Resource("shop").Span("otlptap.fallback", ("otlptap.fallback", "reroute"), ("otlptap.fallback.reason", "search is down"), ("otlptap.advice.id", "tool-failing:shop")));

        var fact = Assert.Single(_steps.Facts);
        Assert.Equal(StepKind.Other, fact.Kind);
        Assert.Equal(new FallbackFact("reroute", "search is down", "tool-failing:shop"), fact.Fallback);
    }

    [Fact]
    public void What_the_tap_itself_tells_is_no_step()
    {
        Read(new TraceBuilder().Resource("shop").Scope("otlptap").Span("otlptap.verdict", ("gen_ai.operation.name", "chat")));

        Assert.Empty(_steps.Facts);
    }

    [Fact]
    public void A_failure_is_the_kind_of_the_first_rule_that_found_one()
    {
        var steps = new ObservedSteps(TestRules.Compile(
            new Rule("praise", "positive_feedback", RuleContext.Span, "span.status.code == STATUS_CODE_ERROR"),
            new Rule("broken", "tool_error", RuleContext.Span, "span.status.code == STATUS_CODE_ERROR"),
            new Rule("also", "planning_error", RuleContext.Span, "span.status.code == STATUS_CODE_ERROR")));
        var builder = new TraceBuilder().Resource("shop").Span("execute_tool a").Span("execute_tool b").Span("GET /").Span("execute_tool c");
        foreach (var span in builder.Request.ResourceSpans[0].ScopeSpans[0].Spans.Skip(1))
        {
            span.Status = new OpenTelemetry.Proto.Trace.V1.Status { Code = OpenTelemetry.Proto.Trace.V1.Status.Types.StatusCode.Error };
        }

        steps.Read(builder.Request.ToByteArray());

        Assert.Equal([("a", null), ("b", "tool_error"), ("c", "tool_error")], steps.Facts.Select(fact => (fact.Tool, fact.Failure)));
    }

    [Fact]
    public void What_a_tap_in_front_has_found_is_a_failure()
    {
        Read(new TraceBuilder().Resource("shop").Span("execute_tool a", ("otlptap.failure", "tool_error")));

        Assert.Equal("tool_error", Assert.Single(_steps.Facts).Failure);
    }

    [Fact]
    public void A_tool_belongs_to_the_agent_of_the_span_above_it()
    {
        var builder = new TraceBuilder().Resource("shop").Span("execute_tool a").Span("invoke_agent planner").Span("invoke_agent writer").Span("execute_tool b").Span("chat", ("gen_ai.operation.name", "chat"));
        var spans = builder.Request.ResourceSpans[0].ScopeSpans[0].Spans;
        spans[0].ParentSpanId = spans[1].SpanId;
        spans[3].ParentSpanId = spans[2].SpanId;
        spans[4].ParentSpanId = spans[3].SpanId;
        Read(builder);

        Assert.Equal(["planner", "planner", "writer", "writer", "writer"], _steps.Facts.Select(fact => fact.Agent));
    }

    [Fact]
    public void A_tool_that_comes_after_its_trace_has_told_of_an_agent_is_that_agents()
    {
        Read(new TraceBuilder().Resource("shop").Span("invoke_agent writer").Trace(2).Span("invoke_agent planner"));
        Read(new TraceBuilder().Resource("shop").Trace(2).Span("execute_tool a").Trace(1).Span("execute_tool b").Trace(3).Span("execute_tool c"));

        Assert.Equal([("a", "planner"), ("b", "writer"), ("c", "")], _steps.Facts[2..].Select(fact => (fact.Tool, fact.Agent)));
    }

    [Fact]
    public void The_only_agent_of_a_service_has_called_the_tools_that_come_before_it()
    {
        Read(new TraceBuilder().Resource("shop").Span("invoke_agent planner"));
        Read(new TraceBuilder().Resource("shop").Trace(2).Span("execute_tool a").Resource("bank").Trace(3).Span("execute_tool b"));

        Assert.Equal(["planner", ""], _steps.Facts[1..].Select(fact => fact.Agent));
    }

    [Theory]
    [InlineData(0, StepKind.Workflow)]
    [InlineData(99, StepKind.Step)]
    public void A_chain_is_a_run_where_nothing_is_above_it(byte parent, object kind)
    {
        var builder = new TraceBuilder().Resource("shop").Span("RunnableSequence", ("openinference.span.kind", "CHAIN"));
        builder.LastSpan.ParentSpanId = parent == 0 ? ByteString.Empty : TraceBuilder.SpanIdBytes(parent);
        Read(builder);

        Assert.Equal((StepKind)kind, Assert.Single(_steps.Facts).Kind);
    }

    [Fact]
    public void A_chain_below_a_web_servers_span_is_a_run()
    {
        var builder = new TraceBuilder().Resource("shop").Span("RunnableSequence", ("openinference.span.kind", "CHAIN")).Span("POST /chat");
        var spans = builder.Request.ResourceSpans[0].ScopeSpans[0].Spans;
        spans[0].ParentSpanId = spans[1].SpanId;
        spans[1].ParentSpanId = TraceBuilder.SpanIdBytes(77); // of the caller, which sends elsewhere
        Read(builder);

        Assert.Equal((StepKind.Workflow, "RunnableSequence"), (Assert.Single(_steps.Facts).Kind, _steps.Facts[0].Agent));
    }

    [Fact]
    public void A_ring_of_parents_ends()
    {
        var builder = new TraceBuilder().Resource("shop").Span("a", ("openinference.span.kind", "CHAIN")).Span("b", ("openinference.span.kind", "CHAIN"));
        var spans = builder.Request.ResourceSpans[0].ScopeSpans[0].Spans;
        (spans[0].ParentSpanId, spans[1].ParentSpanId) = (spans[1].SpanId, spans[0].SpanId);
        Read(builder);

        Assert.Equal(2, _steps.Facts.Count);
    }

    /// <summary>Whoever chooses ids has the recorder wait, if they all fall on one place.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(24)]
    [InlineData(46)]
    public void Ids_that_differ_in_some_of_their_bits_only_take_no_longer_than_others(int shift)
    {
        TimeOfTrees(number => new SpanId(number * 0x9E3779B97F4A7C15)); // the first run is not yet compiled
        var usual = TimeOfTrees(number => new SpanId(number * 0x9E3779B97F4A7C15));
        var chosen = TimeOfTrees(number => new SpanId((number << shift) | 1));

        Assert.True(chosen < (usual * 10) + TimeSpan.FromSeconds(0.5), $"{chosen} against {usual}");
    }

    [Fact]
    public void What_a_trace_tells_again_after_it_was_forgotten_is_remembered_again()
    {
        var owners = new TraceOwners();
        var agents = new StepAgents(owners);
        agents.Tell(new TraceId(0, 1), "shop", "planner", isWorkflow: false);
        for (var other = 2; other < 10 * TraceOwners.TracesMax; other++)
        {
            agents.Of(new TraceId(0, (ulong)other), "shop");
        }

        agents.Tell(new TraceId(0, 1), "shop", "planner", isWorkflow: false);

        Assert.True(owners.TryFind(new TraceId(0, 1), out var owner));
        Assert.Equal("planner", owner.Agent);
    }

    [Fact]
    public void A_request_of_more_spans_than_are_told_apart_at_once_is_told_whole()
    {
        var builder = new TraceBuilder().Resource("shop");
        for (var i = 0; i < 20_000; i++)
        {
            builder.Span("execute_tool a");
        }

        Read(builder);

        Assert.Equal(20_000, _steps.Facts.Count);
    }

    [Fact]
    public void A_name_longer_than_any_is_cut_between_characters()
    {
        Read(new TraceBuilder().Resource("shop").Span("t", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "x" + string.Concat(Enumerable.Repeat("ä", 200)))));

        Assert.Equal("x" + string.Concat(Enumerable.Repeat("ä", 99)), Assert.Single(_steps.Facts).Tool);
    }

    [Fact]
    public void Names_are_made_once()
    {
        var request = new TraceBuilder().Resource("shop").Span("execute_tool search", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "search"), ("gen_ai.agent.name", "planner")).Request.ToByteArray();
        _steps.Read(request);
        _steps.Read(request);

        Assert.Same(_steps.Facts[0].Tool, _steps.Facts[1].Tool);
        Assert.Same(_steps.Facts[0].Agent, _steps.Facts[1].Agent);
        Assert.Same(_steps.Facts[0].Service, _steps.Facts[1].Service);
    }

    [Fact]
    public void Whatever_the_bytes_are_nothing_is_thrown_and_nothing_told_twice()
    {
        var request = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", "genkit", "tool-error-payload.traces.otlp.pb"));
        for (var end = 0; end < request.Length; end++)
        {
            new ObservedSteps().Read(request.AsSpan(0, end));
        }

        var random = new Random(11);
        for (var round = 0; round < 3000; round++)
        {
            var mutated = request.ToArray();
            for (var i = random.Next(8); i >= 0; i--)
            {
                mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            }

            var facts = new ObservedSteps().Read(mutated).Facts;
            Assert.InRange(facts.Count, 0, 64);
            Assert.All(facts, fact => Assert.NotNull(fact.Agent + fact.Service + fact.Tool + fact.Model));
        }
    }

    private void Read(TraceBuilder builder) => _steps.Read(builder.Request.ToByteArray());

    private sealed class FailsOnce : ISpanFactObserver
    {
        private bool _hasFailed;

        public int Told { get; private set; }

        public void Observed(ReadOnlySpan<SpanFact> facts)
        {
            if (!_hasFailed)
            {
                _hasFailed = true;
                throw new InvalidOperationException("once");
            }

            Told += facts.Length;
        }
    }

    private static TimeSpan TimeOfTrees(Func<ulong, SpanId> id)
    {
        var tree = new RequestTree();
        var started = ProcessorTime.OfThisThread;
        for (var round = 0; round < 8; round++)
        {
            for (ulong number = 1; number <= RequestTree.SpansMax; number++)
            {
                tree.Add(new TraceId(1, 1), id(number), id(number + RequestTree.SpansMax));
            }

            tree.Resolve();
            tree.Clear();
        }

        return ProcessorTime.OfThisThread - started;
    }
}
