using System.Net;

namespace OtlpTap.Forward.Hosts;

/// <summary>Why there is no answer.</summary>
internal enum HostFailure
{
    None,

    /// <summary>The file of the token cannot be read.</summary>
    NoCredential,

    /// <summary>No answer within the time, or its body stopped coming.</summary>
    Timeout,
    Connection,

    /// <summary>The body is not compressed as it says.</summary>
    Malformed,
}

/// <summary>What a host answered, or why there is no answer.</summary>
/// <param name="Cause">For the log; empty without a failure. Never a header, and of a body nothing.</param>
/// <param name="Body">Null: it is larger than the caller reads.</param>
/// <param name="RetryAfter">How long to leave the host alone, where it says so.</param>
internal sealed record HostAnswer(HostFailure Failure, string Cause, HttpStatusCode Status, string ContentType, byte[]? Body, TimeSpan? RetryAfter)
{
    public bool IsSuccess => Failure == HostFailure.None && (int)Status is >= 200 and < 300;

    public static HostAnswer Failed(HostFailure failure, string cause) => new(failure, cause, 0, "", [], null);
}
