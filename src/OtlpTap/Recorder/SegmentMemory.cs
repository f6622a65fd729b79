using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace OtlpTap.Recorder;

/// <summary>
/// The bytes of one segment: anonymous memory outside the managed heap, or a mapped file. The system gives an anonymous
/// page only when it is first written, so an idle recorder costs nothing; and the collector neither moves nor scans a
/// quarter of a gigabyte. The only place of the recorder that knows an address.
/// </summary>
internal sealed unsafe class SegmentMemory : IDisposable
{
    private const int PageBytes = 4096;

    private readonly MemoryMappedViewAccessor? _view;
    private int _length;
    private byte* _start;

    public SegmentMemory(int length)
    {
        _length = length;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)length, PageBytes);
    }

    private SegmentMemory(MemoryMappedViewAccessor view, string path, int length)
    {
        _view = view;
        _length = length;
        byte* page = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref page);
        _start = page + SegmentHeader.Size;
        Path = path;
    }

    /// <summary>Of the file; null in anonymous memory.</summary>
    public string? Path { get; }

    public Span<byte> Bytes => new(_start, _length);

    /// <summary>The page before them in the file; empty in anonymous memory.</summary>
    public Span<byte> Header => _view is null || _length == 0 ? [] : new Span<byte>(_start - SegmentHeader.Size, SegmentHeader.Size);

    /// <summary>Maps a file of a header and <paramref name="length"/> bytes, all of which the disk has given already.</summary>
    public static SegmentMemory Map(FileStream file, int length)
    {
        // A mapping outlives its file's descriptor: a large ring has thousands of segments.
        using var mapped = MemoryMappedFile.CreateFromFile(file, null, SegmentHeader.Size + length, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        return new SegmentMemory(mapped.CreateViewAccessor(0, SegmentHeader.Size + length, MemoryMappedFileAccess.ReadWrite), file.Name, length);
    }

    /// <summary>The last <paramref name="count"/> 8-byte words, lowest address first.</summary>
    public Span<ulong> LastWords(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)_length / sizeof(ulong));
        return new Span<ulong>(_start + _length - (count * sizeof(ulong)), count);
    }

    public void Dispose()
    {
        if (_start is null)
        {
            return;
        }

        if (_view is null)
        {
            NativeMemory.AlignedFree(_start);
        }
        else
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.SafeMemoryMappedViewHandle.Dispose(); // not the view, which would write all of it to the disk first
            _view.Dispose();
        }

        _start = null;
        _length = 0; // a late access fails at the span's bounds
    }
}
