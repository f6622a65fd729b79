using System.Buffers.Binary;

namespace OtlpTap.Forward.Files;

/// <summary>
/// The file itself: what is written to it stands in it whole or not at all. One thread at a time. What the system refuses
/// comes as <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>, and may be tried again.
/// </summary>
/// <param name="isContinued">Go on behind what is there whatever <c>append</c> says: an exporter before this one wrote it.</param>
/// <param name="open">Opens a file to read and write.</param>
internal sealed class ExportFile(
    FileExporterOptions options, bool isLines, bool isContinued, TimeProvider time, ILogger log, Func<string, FileMode, Stream> open) : IDisposable
{
    private readonly BackupFiles? _backups = options.Rotation is null ? null : new BackupFiles(options.Path, options.Rotation, time);
    private readonly long _bytesMax = options.Rotation is null ? long.MaxValue : (long)options.Rotation.MegabytesMax << 20;

    // Rotated files go on where they ended, as lumberjack's do: else a restart would empty one that was not full yet.
    private bool _isContinued = isContinued || options.Append || options.Rotation is not null;

    private Stream? _stream;
    private long _length;
    private bool _hasTorn;

    public long Length => _length;

    /// <summary>Opens a file as the exporter does.</summary>
    public static Stream OpenStream(string path, FileMode mode) =>
        new FileStream(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    public void Open()
    {
        if (_stream is not null)
        {
            return;
        }

        if (options.CreateDirectory)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(options.Path))!);
        }

        var stream = open(options.Path, _isContinued ? FileMode.OpenOrCreate : FileMode.Create);
        try
        {
            _length = stream.CanSeek ? GoToEnd(stream) : 0;
        }
        catch
        {
            stream.Dispose();
            throw;
        }

        _stream = stream;
        _hasTorn = false;
        _isContinued = true;
        Prune();
    }

    /// <summary>Whether so many more bytes belong into the next file. One that is larger than a whole file gets one of its own.</summary>
    public bool IsFullFor(long bytes) => _length > 0 && _length + bytes > _bytesMax;

    /// <summary>Hands all bytes over to the system.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Open();
        if (_hasTorn)
        {
            CutTorn();
        }

        try
        {
            _stream!.Write(bytes);
            _stream.Flush();
            _length += bytes.Length;
        }
        catch (IOException)
        {
            _hasTorn = true;
            CutTorn();
            throw;
        }
    }

    /// <summary>Puts the file aside and begins the next.</summary>
    public void Rotate()
    {
        Close();
        File.Move(options.Path, _backups!.NextName());
        Open();
    }

    public void Dispose() => Close();

    private void Close()
    {
        _stream?.Dispose();
        _stream = null;
        _length = 0;
    }

    // What went into a pipe cannot be taken back.
    private void CutTorn()
    {
        if (_stream!.CanSeek)
        {
            _stream.SetLength(_length);
            _stream.Position = _length;
        }

        _hasTorn = false;
    }

    /// <summary>To where the last whole request ends: whoever wrote before may have been killed in the middle of one.</summary>
    private long GoToEnd(Stream stream)
    {
        var end = isLines ? EndOfLines(stream) : EndOfMessages(stream);
        if (end < stream.Length)
        {
            log.TornTailCut(options.Id, options.Path, stream.Length - end);
            stream.SetLength(end);
        }

        stream.Position = end;
        return end;
    }

    private static long EndOfLines(Stream stream)
    {
        var block = new byte[64 << 10];
        var end = stream.Length;
        while (end > 0)
        {
            var start = Math.Max(0, end - block.Length);
            stream.Position = start;
            stream.ReadExactly(block, 0, (int)(end - start));
            var at = block.AsSpan(0, (int)(end - start)).LastIndexOf((byte)'\n');
            if (at >= 0)
            {
                return start + at + 1;
            }

            end = start;
        }

        return 0;
    }

    private static long EndOfMessages(Stream stream)
    {
        Span<byte> header = stackalloc byte[FileFormat.LengthBytes];
        var end = 0L;
        while (end + header.Length <= stream.Length)
        {
            stream.Position = end;
            stream.ReadExactly(header);
            var next = end + header.Length + BinaryPrimitives.ReadUInt32BigEndian(header);
            if (next > stream.Length)
            {
                break;
            }

            end = next;
        }

        return end;
    }

    private void Prune()
    {
        try
        {
            _backups?.Prune();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.BackupNotDeleted(options.Id, e.Message);
        }
    }
}
