using System.Net;
using System.Net.Http.Headers;
using OtlpTap.Forward;
using OtlpTap.Forward.Hosts;
using OtlpTap.Metrics;

namespace OtlpTap.Judges;

/// <summary>What came of a question: an answer's bytes, or why there is none.</summary>
/// <param name="Failure">Null: <paramref name="Body"/> is the answer.</param>
/// <param name="Cause">For the log; never a header, and of a body nothing.</param>
/// <param name="RetryAfter">How long to leave the evaluator alone.</param>
internal readonly record struct JudgeReply(JudgeFailReason? Failure, byte[] Body, string Cause, TimeSpan? RetryAfter)
{
    public static JudgeReply Failed(JudgeFailReason reason, string cause, TimeSpan? retryAfter = null) => new(reason, [], cause, retryAfter);
}

/// <summary>Posts JSON to one URL.</summary>
internal sealed class JudgeConnection(JudgeOptions judge, TimeProvider time, ILogger logger) : IDisposable
{
    /// <summary>An answer is a few hundred bytes; a model that repeats itself may fill its whole context.</summary>
    public const int AnswerBytesMax = 1 << 20;

    private static readonly MediaTypeHeaderValue Json = new("application/json");
    private static readonly TimeSpan ConnectTimeoutMax = TimeSpan.FromSeconds(3);

    private readonly HttpHost _host = new(HostOptions(judge), time, logger);

    /// <exception cref="OperationCanceledException">The caller's own <paramref name="cancellation"/> fired.</exception>
    public async Task<JudgeReply> AskAsync(byte[] question, CancellationToken cancellation)
    {
        var content = new ByteArrayContent(question);
        content.Headers.ContentType = Json;
        var answer = await _host.PostAsync(judge.Url, content, [("Accept", "application/json")], response => response.IsSuccessStatusCode ? AnswerBytesMax : 0, cancellation);
        return answer switch
        {
            { Failure: not HostFailure.None } => JudgeReply.Failed(ReasonOf(answer.Failure), answer.Cause),
            { IsSuccess: true, Body: { } body } => new JudgeReply(null, body, "", null),
            { IsSuccess: true } => JudgeReply.Failed(JudgeFailReason.AnswerTooLarge, $"{_host}: the answer is larger than {AnswerBytesMax} bytes"),
            _ => JudgeReply.Failed(
                answer.Status == HttpStatusCode.TooManyRequests ? JudgeFailReason.RateLimited : JudgeFailReason.HttpStatus,
                $"{_host} answered {(int)answer.Status}",
                answer.RetryAfter),
        };
    }

    public void Dispose() => _host.Dispose();

    private static HttpHostOptions HostOptions(JudgeOptions judge) => new(judge.Url, judge.Connection, judge.Timeout, ConnectTimeoutMax)
    {
        Token = judge.Chat?.ApiKeyFile is { } file ? new ClientBearerTokenOptions($"judge {judge.Name}") { TokenFile = file } : null,
    };

    private static JudgeFailReason ReasonOf(HostFailure failure) => failure switch
    {
        HostFailure.NoCredential => JudgeFailReason.NoCredential,
        HostFailure.Timeout => JudgeFailReason.Timeout,
        _ => JudgeFailReason.Connection,
    };
}
