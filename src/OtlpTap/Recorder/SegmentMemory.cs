using System.Runtime.InteropServices;

namespace OtlpTap.Recorder;

/// <summary>
/// The bytes of one segment: anonymous memory outside the managed heap. The system gives a page only when it is first
/// written, so an idle recorder costs nothing; and the collector neither moves nor scans a quarter of a gigabyte.
/// The only place of the recorder that knows an address: memory-mapped files would be another way to make one of these.
/// </summary>
internal sealed unsafe class SegmentMemory : IDisposable
{
    private const int PageBytes = 4096;

    private int _length;
    private byte* _start;

    public SegmentMemory(int length)
    {
        _length = length;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)length, PageBytes);
    }

    public Span<byte> Bytes => new(_start, _length);

    /// <summary>The last <paramref name="count"/> 8-byte words, lowest address first.</summary>
    public Span<ulong> LastWords(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)_length / sizeof(ulong));
        return new Span<ulong>(_start + _length - (count * sizeof(ulong)), count);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
        _length = 0; // a late access fails at the span's bounds
    }
}
