using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>What became of a request that was to be spooled.</summary>
internal enum SpoolAppend
{
    /// <summary>It survives whatever happens to the process or the power.</summary>
    Durable,

    /// <summary>The spool is at its size.</summary>
    Full,

    /// <summary>The disk did not take it, or the spool is closed.</summary>
    Failed,
}

/// <summary>A request that waits for the writer. Header and metadata are in an array of their own; the message is written from where it lies.</summary>
internal sealed class PendingAppend : TaskCompletionSource<SpoolAppend>
{
    private readonly byte[] _head;
    private readonly Payload _payload;

    public PendingAppend(Signal signal, Payload payload, RequestMetadata metadata, long receivedUnixNano)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        _payload = payload;
        Signal = signal;
        ItemCount = payload.ItemCount;
        var metadataLength = RecordMetadata.LengthOf(metadata);
        _head = new byte[RecordHeader.Length + metadataLength];
        RecordMetadata.Write(metadata, _head.AsSpan(RecordHeader.Length));
        var checksum = Crc32C.Continue(Crc32C.Of(_head.AsSpan(RecordHeader.Length)), payload.Span);
        var header = new RecordHeader(payload.Length, metadataLength, ItemCount, signal, receivedUnixNano, checksum);
        header.Write(_head);
        Length = header.RecordLength;
    }

    public Signal Signal { get; }

    public int ItemCount { get; }

    /// <summary>On disk.</summary>
    public long Length { get; }

    public void AddBuffers(ulong marker, List<ReadOnlyMemory<byte>> buffers)
    {
        RecordHeader.WriteMarker(_head, marker);
        buffers.Add(_head);
        if (_payload.Length > 0)
        {
            buffers.Add(_payload.Message);
        }
    }

    /// <summary>Nobody reads the bytes any more.</summary>
    public void End(SpoolAppend result)
    {
        _payload.ReturnCredit();
        _payload.Release();
        TrySetResult(result);
    }
}
