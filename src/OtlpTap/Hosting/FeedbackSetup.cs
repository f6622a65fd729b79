using Microsoft.AspNetCore.Http;
using OtlpTap.Configuration;
using OtlpTap.Evaluations;
using OtlpTap.Feedback;
using OtlpTap.Metrics;
using OtlpTap.Receive;
using OtlpTap.Redact;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Hosting;

/// <summary>What users say and what they show: from the endpoint and the stream to verdicts and observers.</summary>
internal sealed class FeedbackSetup : IDisposable
{
    private const int KeyBytes = 32;

    private readonly Func<TapOptions> _options;
    private readonly ILogger<ExplicitFeedback> _logger;
    private readonly ExplicitFeedback _said;
    private readonly ImplicitFeedback _shown;

    /// <param name="options">As they are at this moment: a reload changes some.</param>
    /// <param name="scores">Told of what is neither negative nor positive.</param>
    /// <param name="people">Told of what is said.</param>
    public FeedbackSetup(Func<TapOptions> options, EvaluationWatch evaluations, JudgedSpanSearch spans, IVerdictSink verdicts, IScoreSink scores, IFeedbackObserver people, FeedbackMetrics metrics, TimeProvider time, ILoggerFactory logs)
    {
        _options = options;
        _logger = logs.CreateLogger<ExplicitFeedback>();
        var processor = options().Processor;
        _shown = new ImplicitFeedback(processor.Feedback.Implicit, verdicts, metrics, time, logs.CreateLogger<ImplicitFeedback>());
        _said = new ExplicitFeedback(
            () => options().Processor.Feedback.Explicit,
            evaluations.Resolve,
            spans.IsRecorded,
            new FeedbackTeller(spans.Find, verdicts, scores, people),
            new FeedbackPrivacy(processor.CorpusRedact, RedactionKeyOf),
            metrics,
            time,
            _logger);
    }

    /// <summary>The answer to a body that was posted.</summary>
    public FeedbackReply Post(ReadOnlySpan<byte> json, string sender)
    {
        var answer = _said.Take(json, sender);
        return answer.RetryAfter is { } delay ? new FeedbackReply(StatusCodes.Status429TooManyRequests) { Error = ErrorOf(answer.Limit), RetryAfter = delay }
            : answer.Problems.Count > 0 ? new FeedbackReply(StatusCodes.Status400BadRequest) { Error = "the feedback is not valid, and none of it was taken", Problems = answer.Problems }
            : new FeedbackReply(StatusCodes.Status202Accepted) { Taken = answer.Taken };
    }

    /// <summary>A run that detectors have seen.</summary>
    public void Examined(AgentRun run, IReadOnlyList<Verdict> verdicts) => _shown.Examined(run, verdicts);

    /// <summary>Decides on what waits, for when no more comes.</summary>
    public void Finish() => _said.Finish();

    public void PublishMetrics()
    {
        _shown.PublishMetrics();
        _said.PublishMetrics();
    }

    public void Dispose()
    {
        _said.Dispose();
        _shown.Dispose();
    }

    private static string ErrorOf(FeedbackLimit limit) => limit == FeedbackLimit.Sender
        ? "too much feedback from this sender: try again later"
        : "too much feedback from all senders together: try again later";

    // The one of the cases, so that a user is the same in them, in the backend and after a restart.
    private byte[] RedactionKeyOf()
    {
        var processor = _options().Processor;
        try
        {
            return RedactionKey.For(processor.CorpusRedact with { Mode = RedactMode.Hash }, processor.CorpusDirectory);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            _logger.KeyIsOwn(problem.Message);
            return System.Security.Cryptography.RandomNumberGenerator.GetBytes(KeyBytes);
        }
    }
}
