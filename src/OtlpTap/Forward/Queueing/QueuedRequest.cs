using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Queueing;

/// <summary>One request in a queue, which owns one reference to the payload.</summary>
/// <param name="Items">Kept, because the payload is gone when they are counted.</param>
/// <param name="Units">What it takes of <c>queue_size</c>.</param>
/// <param name="Bytes">What it takes of the queue's bytes.</param>
internal readonly record struct QueuedRequest(Payload Payload, RequestMetadata Metadata, int Items, long Units, long Bytes);
