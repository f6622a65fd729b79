using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// Puts together the answer to one call from the header blocks and DATA of its stream (RFC 9113 section 8.1, gRPC over
/// HTTP/2 "Responses"). Full success, by far the most frequent answer, costs no allocation.
/// <code>
///   HEADERS  1xx                         any number, ignored
///   HEADERS  :status content-type ...    with END_STREAM: "trailers only", grpc-status stands here
///   DATA     | compressed? | length, 4 bytes big-endian | message |
///   HEADERS  grpc-status grpc-message ...   END_STREAM
/// </code>
/// </summary>
internal sealed class ReplyAssembler(int messageBytesMax)
{
    private const int PrefixLength = Buffers.Payload.FrameHeaderLength;
    private const int InterimAnswersMax = 16;
    private const int KeptBytesMax = 4096;

    private static readonly SearchValues<byte> NameBytes = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"u8);
    private static readonly SearchValues<byte> ForbiddenValueBytes = SearchValues.Create("\0\r\n"u8);

    // What HTTP itself puts beside the trailers of a trailers-only answer, and what is stated by fields of its own.
    private static readonly HashSet<string> NotTrailers = new(StringComparer.Ordinal)
    {
        "content-length", "content-encoding", "content-language", "content-type", "date", "server", "via", "alt-svc", "trailer", "vary",
        "grpc-encoding", "grpc-accept-encoding",
    };

    private readonly byte[] _prefix = new byte[PrefixLength];
    private readonly List<ReplyTrailer> _trailers = [];
    private byte[] _message = [];
    private int _bodyLength;
    private int _declaredLength;
    private int _httpStatus;
    private int _interimAnswers;
    private string? _otherContentType;
    private StatusCode? _status;
    private string _statusMessage = "";

    /// <summary>Message bytes kept in memory until the call ends; the connection's window holds that much back.</summary>
    public int KeptBytes { get; private set; }

    private static ReadOnlySpan<byte> GrpcContentType => "application/grpc"u8;

    private bool IsGrpc { get; set; }

    public void Reset()
    {
        _trailers.Clear();
        if (_message.Length > KeptBytesMax)
        {
            _message = [];
        }

        _bodyLength = 0;
        _declaredLength = 0;
        _httpStatus = 0;
        _interimAnswers = 0;
        IsGrpc = false;
        _otherContentType = null;
        _status = null;
        _statusMessage = "";
        KeptBytes = 0;
    }

    /// <summary>Reads <paramref name="fields"/> to the end in any case. Not null: what makes the answer malformed.</summary>
    public string? ReadHeaders(ref HpackDecoder.Fields fields, bool endsStream)
    {
        var areTrailers = _httpStatus != 0;
        var problem = areTrailers && !endsStream ? "trailers that do not end the stream" : null;
        var status = 0;
        var anyRegular = false;
        while (fields.TryNext())
        {
            if (problem is not null || fields.IsTooLarge)
            {
                continue;
            }

            if (fields.Name is [(byte)':', ..])
            {
                var isStatus = !areTrailers && !anyRegular && status == 0 && fields.Name.SequenceEqual(":status"u8);
                problem = isStatus && TryParseStatus(fields.Value, out status) ? null : "a pseudo-header field out of place";
                continue;
            }

            anyRegular = true;
            problem = ReadField(fields.Name, fields.Value, areTrailers, endsStream, isInterim: status is >= 100 and < 200);
        }

        if (problem is not null || fields.Error is not null || fields.IsTooLarge || areTrailers)
        {
            return problem;
        }

        if (status is >= 100 and < 200)
        {
            return endsStream || status == 101 || ++_interimAnswers > InterimAnswersMax ? "an interim answer out of place" : null;
        }

        _httpStatus = status;
        return status == 0 ? "an answer without :status" : null;
    }

    /// <summary>False, with the answer to give instead, when what came is no answer to pass on.</summary>
    public bool TryReadData(ReadOnlySpan<byte> data, Http2Failures failures, out UpstreamAnswer failure)
    {
        failure = default;
        if (_httpStatus == 0)
        {
            failure = failures.BrokenAnswer("DATA in front of the headers");
            return false;
        }

        if (!IsGrpc)
        {
            return true;
        }

        if (_bodyLength < PrefixLength)
        {
            var length = Math.Min(PrefixLength - _bodyLength, data.Length);
            data[..length].CopyTo(_prefix.AsSpan(_bodyLength));
            _bodyLength += length;
            data = data[length..];
            if (_bodyLength < PrefixLength)
            {
                return true;
            }

            if (_prefix[0] != 0)
            {
                failure = failures.Compressed;
                return false;
            }

            var declared = BinaryPrimitives.ReadUInt32BigEndian(_prefix.AsSpan(1));
            if (declared > (uint)messageBytesMax)
            {
                failure = failures.ResponseTooLarge(declared, messageBytesMax);
                return false;
            }

            _declaredLength = (int)declared;
        }

        if (data.Length > _declaredLength - KeptBytes)
        {
            failure = failures.BadFraming;
            return false;
        }

        Keep(data);
        return true;
    }

    /// <summary>For a stream that has ended regularly.</summary>
    public UpstreamAnswer Build(Http2Failures failures)
    {
        Debug.Assert(_httpStatus != 0, "A stream ended without headers counts as malformed.");
        if (_status is { } status)
        {
            return status == StatusCode.OK ? BuildAccepted(failures) : Answered(status, ReadOnlyMemory<byte>.Empty);
        }

        return _httpStatus == 200 && IsGrpc ? failures.NoStatus : failures.NotGrpc(_httpStatus, _otherContentType);
    }

    // OK without a message is taken for full success: strict gRPC calls it INTERNAL, but the upstream says that it has the data.
    private UpstreamAnswer BuildAccepted(Http2Failures failures)
    {
        if (_bodyLength != 0 && (_bodyLength < PrefixLength || KeptBytes < _declaredLength))
        {
            return failures.BadFraming;
        }

        return KeptBytes == 0 && _trailers.Count == 0
            ? UpstreamAnswer.Accepted
            : Answered(StatusCode.OK, _message.AsSpan(0, KeptBytes).ToArray());
    }

    private UpstreamAnswer Answered(StatusCode status, ReadOnlyMemory<byte> body) =>
        new(UpstreamOutcome.Answered, new ExportReply(status, _statusMessage, body, [.. _trailers]));

    // The array follows the bytes that came, not the length that was promised.
    private void Keep(ReadOnlySpan<byte> data)
    {
        var needed = KeptBytes + data.Length;
        if (needed > _message.Length)
        {
            Array.Resize(ref _message, Math.Min(_declaredLength, Math.Max(needed, 2 * _message.Length)));
        }

        data.CopyTo(_message.AsSpan(KeptBytes));
        KeptBytes = needed;
        _bodyLength += data.Length;
    }

    private string? ReadField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool areTrailers, bool endsStream, bool isInterim)
    {
        if (name.IsEmpty || name.ContainsAnyExcept(NameBytes) || value.ContainsAny(ForbiddenValueBytes) || IsConnectionSpecific(name))
        {
            return "an illegal header field";
        }

        if (isInterim)
        {
            return null;
        }

        if (!areTrailers && name.SequenceEqual("content-type"u8))
        {
            IsGrpc = value.Length >= GrpcContentType.Length && Ascii.EqualsIgnoreCase(value[..GrpcContentType.Length], GrpcContentType);
            _otherContentType = IsGrpc ? null : Encoding.Latin1.GetString(value);
            return null;
        }

        if (!endsStream)
        {
            return null;
        }

        if (name.SequenceEqual("grpc-status"u8))
        {
            _status = ReadStatus(value);
            return null;
        }

        if (name.SequenceEqual("grpc-message"u8))
        {
            _statusMessage = value.IsEmpty ? "" : GrpcStatus.DecodeMessage(Encoding.Latin1.GetString(value));
            return null;
        }

        var text = Encoding.Latin1.GetString(name);
        if (!NotTrailers.Contains(text))
        {
            _trailers.Add(new ReplyTrailer(text, Encoding.Latin1.GetString(value)));
        }

        return null;
    }

    private static StatusCode? ReadStatus(ReadOnlySpan<byte> value) =>
        value is [(byte)'0'] ? StatusCode.OK
        : GrpcStatus.TryParse(Encoding.Latin1.GetString(value), out var status) ? status
        : null;

    private static bool IsConnectionSpecific(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("connection"u8) || name.SequenceEqual("transfer-encoding"u8) || name.SequenceEqual("keep-alive"u8)
        || name.SequenceEqual("upgrade"u8) || name.SequenceEqual("proxy-connection"u8);

    private static bool TryParseStatus(ReadOnlySpan<byte> value, out int status)
    {
        status = 0;
        if (value.Length != 3 || value.ContainsAnyExceptInRange((byte)'0', (byte)'9') || value[0] == '0')
        {
            return false;
        }

        status = ((value[0] - '0') * 100) + ((value[1] - '0') * 10) + (value[2] - '0');
        return true;
    }
}
