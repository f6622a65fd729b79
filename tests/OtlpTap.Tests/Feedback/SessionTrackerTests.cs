using Microsoft.Extensions.Time.Testing;
using OtlpTap.Feedback;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Feedback;

public sealed class SessionTrackerTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly SaidVerdicts _sink = new();
    private ulong _clock = 1;

    [Fact]
    public void The_answer_that_was_asked_again_is_judged_on_its_agents_span()
    {
        var sessions = Create();
        Say(sessions, 1, "Where is my order 4711?", "It is blue.");
        Say(sessions, 2, "I mean order 4711, where is it?", "On its way.");
        Say(sessions, 3, "Thanks!", "You are welcome.");
        EndAll(sessions);

        var (trace, verdict) = Assert.Single(_sink.All);
        Assert.Equal(Trace(1), trace);
        Assert.Equal((Span(1), FailureKind.ImplicitNegativeFeedback, "implicit_protested"), (verdict.SpanId, verdict.Failure, verdict.Rule));
    }

    [Fact]
    public void Sessions_do_not_mix()
    {
        var sessions = Create();
        Say(sessions, 1, "Where is my order 4711?", "Somewhere.", session: "a");
        Say(sessions, 2, "order 4711, where is it?", "On its way.", session: "b");
        Say(sessions, 3, "order 4711, where is it?", "On its way.", session: null);
        Assert.Empty(_sink.All);
    }

    [Fact]
    public void Leaving_after_asking_again_or_on_a_failure_or_on_a_question_is_abandonment()
    {
        var sessions = Create();
        Say(sessions, 1, "How do I reset my password?", "Bananas.", session: "again");
        Say(sessions, 2, "Password resetting - how?", "Apples.", session: "again");
        Say(sessions, 3, "Book a flight", "I could not.", session: "failed", hasFailed: true);
        Say(sessions, 4, "Book a flight", "Done.", session: "fine");
        Say(sessions, 5, "Book a flight", "Fine.", session: "question");
        Say(sessions, 6, "To Rome", "For which date?", session: "question");
        Say(sessions, 7, "Book a flight", "Where to?", session: "asked at once");
        EndAll(sessions);

        Assert.Equal(
            [(Trace(1), "implicit_rephrased"), (Trace(2), "implicit_abandoned"), (Trace(3), "implicit_abandoned"), (Trace(6), "implicit_abandoned")],
            _sink.All.Select(said => (said.Trace, said.Verdict.Rule)));
        Assert.Equal(0, sessions.Count);
        Assert.Equal(0, sessions.Bytes);
    }

    [Fact]
    public void A_run_that_is_read_again_or_was_overtaken_says_nothing_twice()
    {
        var sessions = Create();
        var first = Run(1, "Where is my order 4711?", "Somewhere.", "s");
        var second = Run(2, "I asked where order 4711 is", "There.", "s");
        sessions.Observe(first, false, _sink);
        sessions.Observe(second, false, _sink);
        sessions.Observe(second, false, _sink);
        sessions.Observe(first, false, _sink);
        Assert.Single(_sink.All);
    }

    [Fact]
    public void Memory_for_sessions_is_bounded_and_the_oldest_goes_first()
    {
        var evicted = 0;
        var sessions = new SessionTracker(new ImplicitFeedbackOptions { SessionBytesMax = 100_000 }, _time, gone => evicted += gone);
        for (var i = 1; i <= 2000; i++)
        {
            Say(sessions, i, $"a question about topic number {i}", "ok", session: $"session {i}");
            Assert.InRange(sessions.Bytes, 1, 100_000);
        }

        Assert.Equal(2000 - sessions.Count, evicted);
        Say(sessions, 3000, "I asked about topic number 2000", "ok", session: "session 2000");
        Say(sessions, 3001, "I asked about topic number 1", "ok", session: "session 1");
        Assert.Equal(Trace(2000), Assert.Single(_sink.All).Trace);
    }

    private SessionTracker Create() => new(new ImplicitFeedbackOptions(), _time);

    private void Say(SessionTracker sessions, int number, string input, string answer, string? session = "s", bool hasFailed = false) =>
        sessions.Observe(Run(number, input, answer, session), hasFailed, _sink);

    private void EndAll(SessionTracker sessions)
    {
        sessions.EndIdle(_sink);
        _time.Advance(new ImplicitFeedbackOptions().SessionIdle);
        sessions.EndIdle(_sink);
    }

    private AgentRun Run(int number, string input, string answer, string? session)
    {
        var step = new RunStep { TraceId = Trace(number), SpanId = Span(number), Name = "agent", Kind = StepKind.Agent, Session = session, StartUnixNano = _clock++ };
        return new AgentRun(Trace(number), [step]) { UserInput = input, FinalAnswer = answer };
    }

    private static TraceId Trace(int number) => TraceId.TryParse(number.ToString("x32"), out var id) ? id : default;

    private static SpanId Span(int number) => SpanId.TryParse(number.ToString("x16"), out var id) ? id : default;

    private sealed class SaidVerdicts : IVerdictSink
    {
        public List<(TraceId Trace, Verdict Verdict)> All { get; } = [];

        public void Judged(in TraceId traceId, in Verdict verdict) => All.Add((traceId, verdict));
    }
}
