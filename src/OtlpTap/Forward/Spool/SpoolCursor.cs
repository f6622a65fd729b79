using System.Buffers.Binary;

namespace OtlpTap.Forward.Spool;

/// <summary>How far into one segment everything was delivered. A segment that has another marker is whole.</summary>
internal readonly record struct SpoolPosition(ulong Marker, long Offset);

/// <summary>
/// The file <c>cursor</c>: two places, written in turn, so that one that is cut short leaves the other.
/// <code>
///    0  checksum     CRC-32C of bytes 4 to 31
///    4  version      1 byte, and 3 of zero
///    8  turn         8 bytes; of two places the higher one holds
///   16  marker       of the segment
///   24  offset       in it
/// </code>
/// It is not synced: an older place means that records are delivered again, never that one is not. It names the segment by
/// its marker, so that it cannot speak of a later one that took the number.
/// </summary>
internal sealed class SpoolCursor : IDisposable
{
    private const int PlaceLength = 32;
    private const byte Version = 1;

    private readonly ISpoolFile _file;
    private readonly byte[] _place = new byte[PlaceLength];
    private ulong _turn;

    private SpoolCursor(ISpoolFile file)
    {
        _file = file;
    }

    /// <summary>The last position that was written; null where there is none that can be read.</summary>
    public SpoolPosition? Last { get; private set; }

    public static SpoolCursor Open(ISpoolFiles files, string path, bool exists)
    {
        var cursor = new SpoolCursor(exists ? files.Open(path) : files.Create(path));
        cursor.ReadPlace(0);
        cursor.ReadPlace(PlaceLength);
        return cursor;
    }

    public void Write(SpoolPosition position)
    {
        _turn++;
        _place[4] = Version;
        BinaryPrimitives.WriteUInt64LittleEndian(_place.AsSpan(8), _turn);
        BinaryPrimitives.WriteUInt64LittleEndian(_place.AsSpan(16), position.Marker);
        BinaryPrimitives.WriteInt64LittleEndian(_place.AsSpan(24), position.Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(_place, Crc32C.Of(_place.AsSpan(4)));
        _file.Write([_place], (long)(_turn & 1) * PlaceLength);
        Last = position;
    }

    public void Sync() => _file.Sync();

    public void Dispose() => _file.Dispose();

    private void ReadPlace(long at)
    {
        Span<byte> place = stackalloc byte[PlaceLength];
        if (_file.Read(place, at) < PlaceLength || place[4] != Version || BinaryPrimitives.ReadUInt32LittleEndian(place) != Crc32C.Of(place[4..]))
        {
            return;
        }

        var turn = BinaryPrimitives.ReadUInt64LittleEndian(place[8..]);
        if (turn > _turn)
        {
            _turn = turn;
            Last = new SpoolPosition(BinaryPrimitives.ReadUInt64LittleEndian(place[16..]), BinaryPrimitives.ReadInt64LittleEndian(place[24..]));
        }
    }
}
