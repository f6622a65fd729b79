using System.Net;

namespace OtlpTap.Pull;

/// <summary>Why a backend's answer cannot be used.</summary>
internal enum PullFailure
{
    None,

    /// <summary>No answer within the time, or the body stopped coming.</summary>
    Timeout,
    Connection,

    /// <summary>The file of the token cannot be read.</summary>
    NoCredential,

    /// <summary>401 or 403.</summary>
    Refused,

    /// <summary>429 or a status of 500 and above, still after the last attempt.</summary>
    Unavailable,

    /// <summary>Any other status than success.</summary>
    HttpStatus,
    TooLarge,

    /// <summary>Another content type, or bytes that are not what it says.</summary>
    Malformed,
}

/// <summary>One answer, or why there is none.</summary>
/// <param name="Cause">For people; empty without a failure.</param>
internal sealed record BackendAnswer(PullFailure Failure, HttpStatusCode Status, string ContentType, byte[] Body, string Cause)
{
    public static BackendAnswer Failed(PullFailure failure, string cause, HttpStatusCode status = 0) => new(failure, status, "", [], cause);
}
