using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Benchmarks.Transport;

/// <summary>
/// Reads the answer to a unary call out of an HTTP response.
/// <code>
///   HEADERS (200, application/grpc)   DATA: | flag | length, 4 bytes | message |   HEADERS: grpc-status, grpc-message, trailers
///   or, "trailers-only":  HEADERS (200, application/grpc, grpc-status, grpc-message, trailers)
/// </code>
/// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
/// </summary>
internal sealed class ReplyReader(UpstreamEndpoint endpoint, int responseBytesMax)
{
    private const int FirstReadBytes = 256;

    // What HTTP itself puts beside the trailers of a trailers-only answer, and what the reply states in fields of its own.
    private static readonly HashSet<string> NotTrailers = new(StringComparer.OrdinalIgnoreCase)
    {
        "grpc-status", "grpc-message", "grpc-encoding", "grpc-accept-encoding",
        "date", "server", "via", "alt-svc", "trailer", "vary", "connection", "keep-alive", "transfer-encoding",
    };

    /// <exception cref="IOException">The connection or the stream broke while the answer was read.</exception>
    public async ValueTask<UpstreamAnswer> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        if (response.Headers.NonValidated.TryGetValues("grpc-status", out var early))
        {
            return FromStatus(early, response.Headers, ReadOnlyMemory<byte>.Empty);
        }

        var contentType = ContentType(response);
        if (response.StatusCode != HttpStatusCode.OK || contentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) != true)
        {
            return UpstreamFailure.NotGrpc(endpoint, (int)response.StatusCode, contentType);
        }

        var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = ArrayPool<byte>.Shared.Rent(FirstReadBytes);
        try
        {
            var (message, failure) = await ReadMessageAsync(stream, buffer, cancellation);
            if (failure is { } found)
            {
                return found;
            }

            // Filled only now that the body was read to its end.
            return response.TrailingHeaders.NonValidated.TryGetValues("grpc-status", out var status)
                ? FromStatus(status, response.TrailingHeaders, message)
                : UpstreamFailure.NoStatus(endpoint);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static string? ContentType(HttpResponseMessage response) =>
        response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var values) ? values.ToString() : null;

    private async ValueTask<(ReadOnlyMemory<byte> Message, UpstreamAnswer? Failure)> ReadMessageAsync(Stream stream, byte[] buffer, CancellationToken cancellation)
    {
        var filled = await stream.ReadAtLeastAsync(buffer, Payload.FrameHeaderLength, throwOnEndOfStream: false, cancellation);
        if (filled == 0)
        {
            return (default, null);
        }

        if (filled < Payload.FrameHeaderLength)
        {
            return (default, UpstreamFailure.BadFraming(endpoint));
        }

        if (buffer[0] != 0)
        {
            return (default, UpstreamFailure.Compressed(endpoint));
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(1));
        if (length > (uint)responseBytesMax)
        {
            return (default, UpstreamFailure.ResponseTooLarge(endpoint, length, responseBytesMax));
        }

        var message = length == 0 ? [] : new byte[length];
        var first = Math.Min(filled - Payload.FrameHeaderLength, message.Length);
        buffer.AsSpan(Payload.FrameHeaderLength, first).CopyTo(message);
        var read = first + await stream.ReadAtLeastAsync(message.AsMemory(first), message.Length - first, throwOnEndOfStream: false, cancellation);
        var isWhole = read == message.Length
            && filled - Payload.FrameHeaderLength <= message.Length
            && await stream.ReadAsync(buffer, cancellation) == 0;
        return isWhole ? (message, null) : (default, UpstreamFailure.BadFraming(endpoint));
    }

    // OK without a message is taken for full success: strict gRPC calls it INTERNAL, but the upstream says that it has the data.
    private UpstreamAnswer FromStatus(HeaderStringValues statusText, HttpResponseHeaders headers, ReadOnlyMemory<byte> message)
    {
        if (!GrpcStatus.TryParse(statusText.ToString(), out var status))
        {
            return UpstreamFailure.NoStatus(endpoint);
        }

        var text = headers.NonValidated.TryGetValues("grpc-message", out var values) ? GrpcStatus.DecodeMessage(values.ToString()) : "";
        var trailers = Trailers(headers.NonValidated);
        return status == StatusCode.OK && message.IsEmpty && trailers.Length == 0
            ? UpstreamAnswer.Accepted
            : new(UpstreamOutcome.Answered, new ExportReply(status, text, status == StatusCode.OK ? message : default, trailers));
    }

    private static ReplyTrailer[] Trailers(HttpHeadersNonValidated headers)
    {
        List<ReplyTrailer>? trailers = null;
        foreach (var header in headers)
        {
            if (NotTrailers.Contains(header.Key))
            {
                continue;
            }

            foreach (var value in header.Value)
            {
                (trailers ??= []).Add(new ReplyTrailer(header.Key.ToLowerInvariant(), value));
            }
        }

        return trailers?.ToArray() ?? [];
    }
}
