using System.Globalization;
using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;

namespace OtlpTap.Recorder;

/// <summary>
/// The directory of a ring in files: makes, finds and deletes them. What fails here is said and counted, and the ring goes
/// on in anonymous memory; asking the disk again is left for a while then.
/// <para>
/// A page of a mapped file that the disk has no room for ends the process when it is written. So a file is mapped only
/// when every byte of it was written before: that takes a millisecond, and from then on the room is its own, on every file
/// system that overwrites in place. Afterwards only a file that somebody truncates, or a disk that breaks, can do that.
/// </para>
/// </summary>
internal sealed class SegmentFiles : IDisposable
{
    private const string Extension = ".ring";
    private const string AsideExtension = ".corrupt";
    private const string LockFile = "lock";
    private const int AsideMax = 4;
    private const int WriteBytes = 256 << 10;

    // Requests hold prompts and credentials.
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(10);

    private readonly string _directory;
    private readonly int _segmentBytes;
    private readonly RecorderMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly LogAllowance _lines;
    private readonly Lock _gate = new();
    private readonly IDisposable? _held;

    // The writer alone.
    private long _number;
    private long _failedAt;
    private bool _isFailing;

    private SegmentFiles(string directory, int segmentBytes, IDisposable? held, RecorderMetrics metrics, TimeProvider time, ILogger log)
    {
        _directory = directory;
        _segmentBytes = segmentBytes;
        _held = held;
        _metrics = metrics;
        _time = time;
        _log = log;
        _lines = new LogAllowance(3, TimeSpan.FromMinutes(1), time);
    }

    /// <summary>Called before a file is made, to let the disk be full.</summary>
    internal Action? Creating { get; set; }

    public string Directory => _directory;

    /// <summary>Takes the directory. Null when the disk does not let it be used: said and counted.</summary>
    /// <exception cref="RecorderException">Another process has it.</exception>
    public static SegmentFiles? Open(RecorderOptions options, RecorderMetrics metrics, TimeProvider time, ILogger log)
    {
        var directory = Path.GetFullPath(options.Directory);
        try
        {
            CreateDirectory(directory);
            return new SegmentFiles(directory, options.SegmentBytes, Lock(directory), metrics, time, log);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            metrics.DiskFailed();
            log.DirectoryFailed(directory, exception.Message);
            return null;
        }
    }

    /// <summary>The files of an earlier process, mapped, with what their headers say. What is no segment is set aside.</summary>
    public IEnumerable<(Segment Segment, SegmentHeader Header, SegmentSeal? Seal)> Found()
    {
        foreach (var path in Names())
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                _number = Math.Max(_number, number + 1);
            }

            (Segment, SegmentHeader, SegmentSeal?)? found = null;
            try
            {
                found = TryMap(path);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _metrics.DiskFailed();
                _log.FileFailed(path, exception.Message);
            }

            if (found is { } usable)
            {
                yield return usable;
            }
        }
    }

    /// <summary>A new segment in a file of its own; null when the disk refuses, or did a moment ago. For the writer.</summary>
    public Segment? TryCreate()
    {
        if (_isFailing && _time.GetElapsedTime(_failedAt) < RetryInterval)
        {
            return null;
        }

        var path = Path.Combine(_directory, _number.ToString("d10", CultureInfo.InvariantCulture) + Extension);
        try
        {
            Creating?.Invoke();
            var segment = Create(path);
            _number++;
            if (_isFailing)
            {
                _isFailing = false;
                _log.FilesWorkAgain(_directory);
            }

            return segment;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Delete(path);
            _isFailing = true;
            _failedAt = _time.GetTimestamp();
            _metrics.DiskFailed();
            if (_lines.TryTake(out _))
            {
                _log.FilesFail(_directory, exception.Message);
            }

            return null;
        }
    }

    /// <summary>Writes zeros, which also takes the disk's room for them. False: said and counted.</summary>
    /// <param name="offset">Behind the header.</param>
    public bool TryZero(string path, int offset, int length)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            Zero(file, SegmentHeader.Size + offset, length);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _metrics.DiskFailed();
            _log.FileFailed(path, exception.Message);
            return false;
        }
    }

    public void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Its header says that it is unused, so the next start does it.
            _metrics.DiskFailed();
            lock (_gate)
            {
                if (_lines.TryTake(out _))
                {
                    _log.FileFailed(path, exception.Message);
                }
            }
        }
    }

    /// <summary>Renames what cannot be used, for people to look at; of several the newest stay.</summary>
    public void SetAside(string path, string reason)
    {
        _metrics.SegmentSetAside();
        try
        {
            File.Move(path, path + AsideExtension, overwrite: true);
            _log.SegmentSetAside(path, reason, path + AsideExtension);
            foreach (var old in System.IO.Directory.GetFiles(_directory, "*" + Extension + AsideExtension).OrderDescending(StringComparer.Ordinal).Skip(AsideMax))
            {
                File.Delete(old);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _metrics.DiskFailed();
            _log.FileFailed(path, exception.Message);
        }
    }

    public void Dispose() => _held?.Dispose();

    private string[] Names()
    {
        try
        {
            var names = System.IO.Directory.GetFiles(_directory, "*" + Extension);
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _metrics.DiskFailed();
            _log.FileFailed(_directory, exception.Message);
            return [];
        }
    }

    private (Segment, SegmentHeader, SegmentSeal?)? TryMap(string path)
    {
        SegmentState state;
        SegmentHeader header;
        SegmentSeal seal;
        using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0))
        {
            var page = new byte[SegmentHeader.Size];
            RandomAccess.Read(file.SafeFileHandle, page, 0);
            state = SegmentHeader.Read(page, _segmentBytes, out header, out seal);
            if (state is SegmentState.Open or SegmentState.Sealed)
            {
                // What is missing of it would end the process when it is read.
                var length = RandomAccess.GetLength(file.SafeFileHandle);
                var whole = (long)SegmentHeader.Size + _segmentBytes;
                if (length < whole)
                {
                    state = SegmentState.Open;
                    Zero(file, length, whole - length);
                }

                return (new Segment(SegmentMemory.Map(file, _segmentBytes)), header, state == SegmentState.Sealed ? seal : null);
            }

            if (state == SegmentState.Garbage && IsEmpty(file))
            {
                state = SegmentState.Unused; // killed while it was being made
            }
        }

        switch (state)
        {
            case SegmentState.Unused:
                Delete(path);
                break;
            case SegmentState.OtherFormat:
                SetAside(path, "another version of the tap wrote it");
                break;
            default:
                SetAside(path, "its header is damaged");
                break;
        }

        return null;
    }

    private Segment Create(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            PreallocationSize = SegmentHeader.Size + _segmentBytes, // in one piece, where the file system can
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var file = new FileStream(path, options);
        Zero(file, 0, SegmentHeader.Size + _segmentBytes);
        return new Segment(SegmentMemory.Map(file, _segmentBytes));
    }

    private static void Zero(FileStream file, long offset, long length)
    {
        var zeros = new byte[(int)Math.Min(length, WriteBytes)];
        for (var end = offset + length; offset < end; offset += zeros.Length)
        {
            RandomAccess.Write(file.SafeFileHandle, zeros.AsSpan(0, (int)Math.Min(zeros.Length, end - offset)), offset);
        }
    }

    private static bool IsEmpty(FileStream file)
    {
        var bytes = new byte[WriteBytes];
        int read;
        for (long offset = 0; (read = RandomAccess.Read(file.SafeFileHandle, bytes, offset)) > 0; offset += read)
        {
            if (bytes.AsSpan(0, read).ContainsAnyExcept((byte)0))
            {
                return false;
            }
        }

        return true;
    }

    private static void CreateDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            System.IO.Directory.CreateDirectory(path);
        }
        else
        {
            System.IO.Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        }
    }

    // FileShare.None is flock(LOCK_EX) on Unix: it ends with the process, however that ends.
    private static FileStream Lock(string directory)
    {
        const int WouldBlock = 11; // the HResult is the error number on Unix; 35 on macOS
        const int WouldBlockOnMac = 35;
        const int SharingViolation = unchecked((int)0x80070020);
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        try
        {
            return new FileStream(Path.Combine(directory, LockFile), options);
        }
        catch (IOException exception) when (exception.HResult is WouldBlock or WouldBlockOnMac or SharingViolation)
        {
            throw new RecorderException($"recorder.directory {directory} is in use by another process, which holds its file `{LockFile}`: give each tap a directory of its own", exception);
        }
    }
}
