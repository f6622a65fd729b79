using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Feedback;

/// <summary>
/// Follows sessions turn by turn, a run of the agent each, and says which answers their users were not served by: they
/// asked the same again in other words, said that it was wrong, or left on a failure, on a question of the agent or after
/// asking again. Not thread-safe. Memory is bounded by bytes; sessions that were quiet longest are forgotten first.
/// </summary>
internal sealed class SessionTracker(ImplicitFeedbackOptions options, TimeProvider time, Action<int>? evicted = null)
{
    private const int SessionBytes = 512;

    private readonly Dictionary<(string Service, string Session), LinkedListNode<SessionState>> _sessions = [];

    // The one that was quiet longest is first.
    private readonly LinkedList<SessionState> _byAge = [];

    public long Bytes { get; private set; }

    public int Count => _sessions.Count;

    /// <summary>A run is complete. Verdicts are on this run or on the one before it in its session.</summary>
    /// <param name="hasFailed">Something else already found a failure in it.</param>
    public void Observe(AgentRun run, bool hasFailed, IVerdictSink sink)
    {
        if (!options.IsEnabled || TurnOf(run, hasFailed) is not { } turn || SessionOf(run) is not { } key)
        {
            return;
        }

        var node = Touch(key);
        var session = node.Value;
        if (session.Last is not { } last)
        {
            session.Last = turn;
        }
        else if (last.TraceId == turn.TraceId || turn.StartUnixNano < last.StartUnixNano)
        {
            // Judged again for late spans, or a turn that was overtaken: what came after it was said already.
            return;
        }
        else
        {
            var reaction = Rephrasing.Judge(last.Said, turn.Said, last.EndsWithQuestion, session.Repeats, options.SimilarityThreshold);
            session.Repeats = turn.Said.Words == last.Said.Words ? session.Repeats + 1 : 0;
            session.WasAskedAgain = reaction != Reaction.None;
            if (reaction != Reaction.None)
            {
                Say(sink, last, reaction switch
                {
                    Reaction.Rephrased => ("rephrased", "the user asked the same again in other words"),
                    Reaction.Repeated => ("repeated", "the user asked the same for the third time"),
                    _ => ("protested", "the user said that the answer was none"),
                });
            }

            session.Last = turn;
        }

        Account(session);
        Shrink();
    }

    /// <summary>Ends the sessions that have been quiet for long enough.</summary>
    public void EndIdle(IVerdictSink sink)
    {
        var now = time.GetTimestamp();
        while (_byAge.First is { } oldest && time.GetElapsedTime(oldest.Value.SeenAt, now) >= options.SessionIdle)
        {
            End(oldest.Value, sink);
            Remove(oldest);
        }
    }

    private static void End(SessionState session, IVerdictSink sink)
    {
        if (session.Last is not { } last || last.Said.IsThanks)
        {
            return;
        }

        if (session.WasAskedAgain)
        {
            Say(sink, last, ("abandoned", "the session ended after the user had asked again"));
        }
        else if (last.HasFailed)
        {
            Say(sink, last, ("abandoned", "the session ended on a failure"));
        }
        else if (last.EndsWithQuestion && session.Turns > 1)
        {
            Say(sink, last, ("abandoned", "the session ended on a question of the agent"));
        }
    }

    private static void Say(IVerdictSink sink, Turn turn, (string Label, string Why) what) =>
        sink.Judged(turn.TraceId, new Verdict(turn.Judged.SpanId, FailureKind.ImplicitNegativeFeedback, $"implicit_{what.Label}", VerdictSource.ImplicitFeedback)
        {
            Label = what.Label,
            Explanation = what.Why,
            Judged = turn.Judged,
        });

    /// <summary>What a run was for its user; null where no user's words are recorded.</summary>
    private static Turn? TurnOf(AgentRun run, bool hasFailed)
    {
        if (string.IsNullOrWhiteSpace(run.UserInput) || run.Steps.Count == 0)
        {
            return null;
        }

        var spoken = run.Steps.FirstOrDefault(step => step.Kind is StepKind.Agent or StepKind.Workflow) ?? run.Steps[0];
        var endsWithQuestion = run.FinalAnswer.AsSpan().TrimEnd() is [.., '?' or '？'];
        return new Turn(run.TraceId, JudgedSpan.Of(run, spoken.SpanId), run.Steps[0].StartUnixNano, Utterance.Of(run.UserInput), endsWithQuestion, hasFailed);
    }

    private static (string, string)? SessionOf(AgentRun run)
    {
        foreach (var step in run.Steps)
        {
            if (!string.IsNullOrEmpty(step.Session))
            {
                // Ids longer than any real one are an attempt to fill the memory.
                return step.Session.Length <= 256 ? (step.Service, step.Session) : null;
            }
        }

        return null;
    }

    private LinkedListNode<SessionState> Touch((string Service, string Session) key)
    {
        if (_sessions.TryGetValue(key, out var node))
        {
            _byAge.Remove(node);
        }
        else
        {
            node = new LinkedListNode<SessionState>(new SessionState(key));
            _sessions.Add(key, node);
        }

        _byAge.AddLast(node);
        node.Value.SeenAt = time.GetTimestamp();
        node.Value.Turns++;
        return node;
    }

    private void Account(SessionState session)
    {
        Bytes -= session.Bytes;
        session.Bytes = SessionBytes + (2 * (session.Key.Service.Length + session.Key.Session.Length)) + (session.Last?.Bytes ?? 0);
        Bytes += session.Bytes;
    }

    private void Shrink()
    {
        var gone = 0;
        while (Bytes > options.SessionBytesMax && _byAge.First is { } oldest)
        {
            Remove(oldest);
            gone++;
        }

        if (gone > 0)
        {
            evicted?.Invoke(gone);
        }
    }

    private void Remove(LinkedListNode<SessionState> node)
    {
        _byAge.Remove(node);
        _sessions.Remove(node.Value.Key);
        Bytes -= node.Value.Bytes;
    }

    private sealed record Turn(TraceId TraceId, JudgedSpan Judged, ulong StartUnixNano, Utterance Said, bool EndsWithQuestion, bool HasFailed)
    {
        public long Bytes => Said.Bytes + (2 * (Judged.Service.Length + (Judged.ResponseId?.Length ?? 0)));
    }


    private sealed class SessionState((string Service, string Session) key)
    {
        public (string Service, string Session) Key { get; } = key;

        public Turn? Last { get; set; }

        public long SeenAt { get; set; }

        public int Turns { get; set; }

        /// <summary>Times in a row that the very same words came again.</summary>
        public int Repeats { get; set; }

        public bool WasAskedAgain { get; set; }

        public long Bytes { get; set; }
    }
}
