using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>
/// Builds a protobuf message front to back, without moving what is written. A nested message's length stands before its
/// bytes but is known only behind them. So lengths are left out at first: the bytes go into one flat buffer, and a mark
/// remembers where each length belongs. When a nested message closes, its length is what was written since it opened
/// plus the lengths left out in between, of which one running total is kept. At the end the flat bytes are copied out
/// once, with each length put in at its mark.
/// <code>
///   flat:   | tag | tag | "abc" |  tag  "de"  |          marks: after the first tag, after the second
///   out:    | tag 9 | tag 3 "abc" | tag 2 "de" |
/// </code>
/// Every byte is copied once however deep it lies, and every length has its shortest form. (Padded lengths would need no
/// marks, but make the bytes differ from what any other writer makes of the same message.)
/// A message of up to 127 bytes gets its length at once: moving them costs less than a mark, of which twenty million
/// empty objects, 58 KB as gzip, would otherwise have 160 MB.
/// <para>
/// The memory is pooled: an array of 85,000 bytes or more, which a request of some fifty spans needs, is otherwise paid
/// for with a full collection. All sizes are powers of two, as the pool has them, so that what is asked for is what is held.
/// </para>
/// </summary>
/// <param name="mayHold">Asked before more memory is taken, with all that is then held; null where nobody counts.</param>
internal sealed class OtlpJsonRequestBuilder(int expectedBytes, int bytesMax, Func<long, bool>? mayHold = null) : IDisposable
{
    private const int InitialBytesMax = 1 << 20;
    private const int MarkBytes = 2 * sizeof(int);

    // What a varint of one byte holds.
    private const int ShortLengthMax = 127;

    private byte[] _flat = ArrayPool<byte>.Shared.Rent(InitialBytes(expectedBytes));
    private int _flatLength;

    private Mark[] _marks = ArrayPool<Mark>.Shared.Rent(16);
    private int _markCount;

    // Bytes that the lengths of all closed messages will take.
    private int _lengthBytes;

    /// <summary>Whether the message came out larger than the limit given. Then it is of no use, and no more is kept of it.</summary>
    public bool IsOverfull { get; private set; }

    /// <summary>Whether it is <see cref="IsOverfull"/> because of the memory that was not to be had.</summary>
    public bool IsOutOfMemory { get; private set; }

    /// <summary>The memory that is held now.</summary>
    public long HeldBytes => _flat.Length + (_marks.Length * (long)MarkBytes);

    /// <summary>Of the finished message.</summary>
    public int Length => _flatLength + _lengthBytes;

    /// <summary>What is held from the start, before <c>mayHold</c> is asked.</summary>
    public static int InitialBytes(int expectedBytes) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(expectedBytes / 2, 64, InitialBytesMax));

    /// <summary>Begins a nested message or a run of packed numbers; <see cref="Close"/> ends it. Answers the mark to close.</summary>
    public int Open(uint tag)
    {
        WriteVarint(tag);
        if (_markCount == _marks.Length)
        {
            if (!MayHold(HeldBytes + (2L * _marks.Length * MarkBytes)))
            {
                return 0; // whatever becomes of that mark: nothing of this is used
            }

            Grow(ref _marks, _markCount, 2 * _markCount);
        }

        _marks[_markCount] = new Mark { Position = _flatLength, Length = _lengthBytes };
        return _markCount++;
    }

    public void Close(int mark)
    {
        if (IsOverfull)
        {
            return;
        }

        ref var opened = ref _marks[mark];
        var length = (_flatLength - opened.Position) + (_lengthBytes - opened.Length);
        if (length <= ShortLengthMax && mark == _markCount - 1)
        {
            PutLength(opened.Position, length);
            return;
        }

        opened.Length = length;
        _lengthBytes += ProtoWriter.VarintLength((uint)length);
        IsOverfull |= _flatLength + (long)_lengthBytes > bytesMax;
    }

    public void WriteBytes(uint tag, ReadOnlySpan<byte> value)
    {
        if (TryReserve(ProtoWriter.LengthDelimitedLength(tag, value.Length)))
        {
            _flatLength += ProtoWriter.WriteLengthDelimited(_flat.AsSpan(_flatLength), tag, value);
        }
    }

    /// <summary>For a value that is written in place; empty when there is no room for it.</summary>
    public Span<byte> Reserve(uint tag, int valueLength)
    {
        if (!TryReserve(ProtoWriter.LengthDelimitedLength(tag, valueLength)))
        {
            return default;
        }

        _flatLength += ProtoWriter.WriteLengthPrefix(_flat.AsSpan(_flatLength), tag, valueLength);
        _flatLength += valueLength;
        return _flat.AsSpan(_flatLength - valueLength, valueLength);
    }

    public void WriteVarint(ulong value)
    {
        if (TryReserve(ProtoWriter.VarintLength(value)))
        {
            _flatLength += ProtoWriter.WriteVarint(_flat.AsSpan(_flatLength), value);
        }
    }

    public void WriteFixed32(uint value)
    {
        if (TryReserve(sizeof(uint)))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_flat.AsSpan(_flatLength), value);
            _flatLength += sizeof(uint);
        }
    }

    public void WriteFixed64(ulong value)
    {
        if (TryReserve(sizeof(ulong)))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_flat.AsSpan(_flatLength), value);
            _flatLength += sizeof(ulong);
        }
    }

    /// <summary>Copies the finished message out; every mark is closed by now.</summary>
    public void WriteTo(IBufferWriter<byte> destination)
    {
        var position = 0;
        foreach (var mark in _marks.AsSpan(0, _markCount))
        {
            destination.Write(_flat.AsSpan(position, mark.Position - position));
            ProtoWriter.WriteVarint(destination, (uint)mark.Length);
            position = mark.Position;
        }

        destination.Write(_flat.AsSpan(position, _flatLength - position));
    }

    /// <summary>The same into exactly <see cref="Length"/> bytes.</summary>
    public void WriteTo(Span<byte> destination)
    {
        var position = 0;
        foreach (var mark in _marks.AsSpan(0, _markCount))
        {
            _flat.AsSpan(position, mark.Position - position).CopyTo(destination);
            destination = destination[(mark.Position - position)..];
            destination = destination[ProtoWriter.WriteVarint(destination, (uint)mark.Length)..];
            position = mark.Position;
        }

        _flat.AsSpan(position, _flatLength - position).CopyTo(destination);
    }

    /// <summary>Gives the memory back; nothing of this is to be used any more.</summary>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_flat);
        ArrayPool<Mark>.Shared.Return(_marks);
        (_flat, _marks) = ([], []);
    }

    // Nothing inside has a mark: its bytes make room for the one of its length, and its mark goes.
    private void PutLength(int position, int length)
    {
        if (TryReserve(1))
        {
            _flat.AsSpan(position, length).CopyTo(_flat.AsSpan(position + 1));
            _flat[position] = (byte)length;
            _flatLength++;
            _markCount--;
        }
    }

    private bool TryReserve(int bytes)
    {
        var needed = (long)_flatLength + bytes;
        IsOverfull |= needed + _lengthBytes > bytesMax;
        if (!IsOverfull && needed > _flat.Length)
        {
            var length = (int)Math.Min((long)BitOperations.RoundUpToPowerOf2((ulong)needed), Array.MaxLength);

            // While it is copied there are two.
            if (MayHold(HeldBytes + length))
            {
                Grow(ref _flat, _flatLength, length);
            }
        }

        return !IsOverfull;
    }

    private static void Grow<T>(ref T[] array, int used, int length)
    {
        var larger = ArrayPool<T>.Shared.Rent(length);
        array.AsSpan(0, used).CopyTo(larger);
        ArrayPool<T>.Shared.Return(array);
        array = larger;
    }

    private bool MayHold(long bytes)
    {
        IsOutOfMemory |= mayHold?.Invoke(bytes) == false;
        IsOverfull |= IsOutOfMemory;
        return !IsOutOfMemory;
    }

    /// <summary>Where a length belongs, and the length; while the message is open, the total of lengths before it.</summary>
    private struct Mark
    {
        public int Position;
        public int Length;
    }
}
