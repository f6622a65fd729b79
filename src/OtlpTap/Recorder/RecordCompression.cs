using System.Buffers;
using ZstdSharp;

namespace OtlpTap.Recorder;

/// <summary>Records as they stand in the ring. Level 1 of zstd: the one thread that records must keep up with the line.</summary>
internal sealed class RecordCompression : IDisposable
{
    // A frame costs a dozen bytes and a few microseconds.
    private const int RequestBytesMin = 128;
    private const int Level = 1;

    // Beyond every receiver's limit: what says so is damaged.
    private const ulong RequestBytesMax = 1 << 30;

    private readonly Compressor _compressor = new(Level);
    private byte[] _buffer = [];

    /// <summary>False where the compressed form is not smaller. What comes out is valid until <see cref="Return"/>.</summary>
    public bool TryCompress(ReadOnlySpan<byte> request, out ReadOnlySpan<byte> compressed)
    {
        compressed = default;
        if (request.Length < RequestBytesMin)
        {
            return false;
        }

        _buffer = ArrayPool<byte>.Shared.Rent(request.Length);
        if (_compressor.TryWrap(request, _buffer.AsSpan(0, request.Length), out var written) && written < request.Length)
        {
            compressed = _buffer.AsSpan(0, written);
            return true;
        }

        return false;
    }

    public void Return()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    /// <summary>The request of a record. False where what is stored is not what was written.</summary>
    public static bool TryRead(RecordEncoding encoding, ReadOnlySpan<byte> stored, out ReadOnlySpan<byte> request)
    {
        request = stored;
        if (encoding == RecordEncoding.None)
        {
            return true;
        }

        try
        {
            var length = Decompressor.GetDecompressedSize(stored);
            if (length > RequestBytesMax)
            {
                return false;
            }

            using var decompressor = new Decompressor();
            var whole = GC.AllocateUninitializedArray<byte>((int)length);
            request = whole;
            return decompressor.TryUnwrap(stored, whole, out var written) && written == whole.Length;
        }
        catch (ZstdException)
        {
            return false;
        }
    }

    public void Dispose() => _compressor.Dispose();
}
