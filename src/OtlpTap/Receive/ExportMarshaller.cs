using System.Buffers;
using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>
/// The one place where request bytes are copied. The sequence that gRPC offers is valid only inside the deserializer,
/// because Kestrel takes its memory back with the next read; so exactly one copy is made, into a pooled payload.
/// </summary>
internal sealed class ExportMarshaller
{
    private readonly PayloadPool _pool;

    public ExportMarshaller(PayloadPool pool)
    {
        _pool = pool;
        Request = new Marshaller<Payload>(
            static (_, _) => throw new NotSupportedException("Requests are received here, never sent."),
            CopyRequest);
        Reply = new Marshaller<ExportReply>(
            WriteReply,
            static _ => throw new NotSupportedException("Replies are sent here, never received."));
    }

    public Marshaller<Payload> Request { get; }

    public Marshaller<ExportReply> Reply { get; }

    private Payload CopyRequest(DeserializationContext context)
    {
        var payload = _pool.Rent(context.PayloadLength);
        context.PayloadAsReadOnlySequence().CopyTo(payload.Writable);
        return payload;
    }

    // Complete() without GetBufferWriter() throws, also for a message of 0 bytes, and every call would then answer UNKNOWN.
    private static void WriteReply(ExportReply reply, SerializationContext context)
    {
        var body = ReplyLimit.Fit(reply.Body);
        context.SetPayloadLength(body.Length);
        context.GetBufferWriter().Write(body.Span);
        context.Complete();
    }
}
