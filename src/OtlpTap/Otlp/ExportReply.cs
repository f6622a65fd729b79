using Grpc.Core;

namespace OtlpTap.Otlp;

/// <summary>A trailer as it stood on the wire; the value of a <c>-bin</c> name stays in its base64 form.</summary>
internal readonly record struct ReplyTrailer(string Name, string Value);

/// <summary>
/// The answer to one export request, whoever gave it: the upstream, passed on unchanged, or the tap itself.
/// <see cref="Body"/> is the serialized <c>Export*ServiceResponse</c> (0 bytes for full success; with
/// <c>partial_success</c> as the upstream sent it) and is empty unless <see cref="Status"/> is OK.
/// </summary>
internal sealed class ExportReply
{
    /// <summary>Full success: OK with an empty response message.</summary>
    public static readonly ExportReply Accepted = new(StatusCode.OK, "", ReadOnlyMemory<byte>.Empty, []);

    private readonly ReplyTrailer[] _trailers;

    public ExportReply(StatusCode status, string message, ReadOnlyMemory<byte> body, ReplyTrailer[] trailers)
    {
        Status = status;
        Message = message;
        Body = body;
        _trailers = trailers;
    }

    public StatusCode Status { get; }

    /// <summary>
    /// The status of an answer that came over OTLP/HTTP, which more than one of maps to the same <see cref="Status"/>; a sender
    /// over HTTP gets it back as it was. 0 for every other answer.
    /// </summary>
    public int HttpStatus { get; init; }

    public string Message { get; }

    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>All trailers but <c>grpc-status</c> and <c>grpc-message</c>.</summary>
    public ReadOnlySpan<ReplyTrailer> Trailers => _trailers;
}
