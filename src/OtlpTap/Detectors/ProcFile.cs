using Microsoft.Win32.SafeHandles;

namespace OtlpTap.Detectors;

/// <summary>A small file of Linux's <c>/proc</c>, whose text is made anew each time it is read from its start. Not thread-safe.</summary>
internal sealed class ProcFile(string path)
{
    private SafeFileHandle? _handle;
    private bool _isMissing;

    /// <summary>As much of it as fits; empty where there is none, for good, or where it cannot be read now. Opened by whoever reads first: the file may be of that thread.</summary>
    public ReadOnlySpan<byte> Read(Span<byte> buffer)
    {
        if (_isMissing)
        {
            return default;
        }

        try
        {
            _handle ??= File.OpenHandle(path);
            return buffer[..RandomAccess.Read(_handle, buffer, 0)];
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            _isMissing = true; // another system, or one that does not tell
            return default;
        }
        catch (IOException)
        {
            return default; // no handle is left, or not this time
        }
    }
}
