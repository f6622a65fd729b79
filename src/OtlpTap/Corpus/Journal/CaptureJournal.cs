using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus.Journal;

using OtlpTap.Recorder;

/// <summary>
/// The schedule of captures as a file beside the ring: what was due when the process ended, however it ended, is carried
/// out by the next one. Appended to with one write for each request that changes something, and written anew when it has
/// grown beyond what it says. Its caller holds the schedule's lock.
/// <para>
/// It is not synced, and need not be whole: what it does not say of the rules' verdicts, the requests in the ring say, for
/// those behind the last position that it has are looked at again; and a case that is written twice is the same case.
/// </para>
/// </summary>
internal sealed class CaptureJournal : IDisposable
{
    public const string FileName = "captures.journal";

    private const int SnapshotFrameBytes = 256 << 10;

    // Written anew when it is twice what it was then, and larger than this.
    private const long CompactBytesMin = 1 << 20;

    // Of a snapshot: beyond it a capture is written with its first verdict alone. 16,384 captures of a few hundred bytes are 8 MB.
    private const long SnapshotBytesMax = 32 << 20;

    private static readonly TimeSpan PositionInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(10);

    private readonly string _path;
    private readonly ulong _ringId;
    private readonly Func<long> _position;
    private readonly CorpusMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly JournalFrame _frame = new();

    private FileStream? _file;
    private ulong _seed;
    private long _length;
    private long _compactedLength;
    private long _positionWrittenAt;
    private long _reached;
    private bool _isCaughtUp;
    private bool _isFailing;
    private long _failedAt;

    /// <param name="position">The newest request that the recorder has.</param>
    public CaptureJournal(string directory, ulong ringId, Func<long> position, CorpusMetrics metrics, TimeProvider time, ILogger log)
    {
        _path = Path.Combine(directory, FileName);
        _ringId = ringId;
        _position = position;
        _metrics = metrics;
        _time = time;
        _log = log;
    }

    /// <summary>Whether it is being kept.</summary>
    public bool IsOpen => _file is not null;

    /// <summary>To be written anew: it is large, or could not be written a while ago, or is not open yet.</summary>
    public bool WantsSnapshot => _file is null
        ? !_isFailing || _time.GetElapsedTime(_failedAt) >= RetryInterval
        : _length > Math.Max(CompactBytesMin, 2 * _compactedLength);

    /// <summary>What the last process left; nothing where there is no journal, or one of another ring.</summary>
    public JournalState Read()
    {
        var reading = new JournalReading();
        try
        {
            if (File.Exists(_path))
            {
                var bytes = File.ReadAllBytes(_path);
                if (!JournalFormat.TryReadHeader(bytes, out var ringId, out var seed))
                {
                    Damaged();
                }
                else if (!reading.Add(bytes.AsSpan(JournalFormat.HeaderLength), seed))
                {
                    Damaged();
                }

                // Verdicts and traces are as good as ever; where they were found is not.
                reading.Position = ringId == _ringId ? reading.Position : 0;
                _reached = reading.Position;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Failed(exception);
        }

        return reading.State();

        void Damaged()
        {
            _metrics.JournalDamaged();
            _log.JournalDamaged(_path);
        }
    }

    /// <summary>The newest request has been looked at. For whoever is told of requests: another may have a newer one in hand.</summary>
    public void Reached()
    {
        if (_isCaughtUp)
        {
            _reached = _position();
        }
    }

    /// <summary>So has all that an earlier process recorded, up to <paramref name="position"/>: from now on positions are written.</summary>
    /// <param name="position">The newest that was looked at, of whichever process.</param>
    public void CaughtUp(long position)
    {
        _isCaughtUp = true;
        _reached = position;
    }

    public void Scheduled(Capture capture, long scheduledUnixNano) => _frame.Scheduled(capture, scheduledUnixNano);

    public void Judged(Capture capture, in Verdict verdict) => _frame.Judged(capture, verdict);

    /// <param name="expiresUnixNano">Until when late spans are added; 0 when the trace is not remembered.</param>
    public void Ended(ulong number, in TraceId traceId, long expiresUnixNano) => _frame.Ended(number, traceId, expiresUnixNano);

    /// <summary>Writes what was noted since the last time, with how far that is; now and then only how far.</summary>
    public void Flush()
    {
        if (_file is null)
        {
            _frame.Clear(); // the next snapshot has it
            return;
        }

        if (_frame.IsEmpty && (!_isCaughtUp || _time.GetElapsedTime(_positionWrittenAt) < PositionInterval))
        {
            return;
        }

        try
        {
            NotePosition();
            WriteFrame();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Failed(exception);
        }
    }

    /// <summary>Begins a journal that says what is noted between this and <see cref="EndSnapshot"/>. False: not now.</summary>
    public bool TryBeginSnapshot()
    {
        _frame.Clear();
        CloseFile();
        try
        {
            File.Delete(_path + ".tmp");
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            _file = new FileStream(_path + ".tmp", options);
            _seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));
            Span<byte> header = stackalloc byte[JournalFormat.HeaderLength];
            JournalFormat.WriteHeader(header, _ringId, _seed);
            RandomAccess.Write(_file.SafeFileHandle, header, 0);
            _length = JournalFormat.HeaderLength;
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Failed(exception);
            return false;
        }
    }

    /// <summary>One capture of a snapshot.</summary>
    public void Add(Capture capture, long scheduledUnixNano)
    {
        Scheduled(capture, scheduledUnixNano);
        foreach (var verdict in capture.Verdicts)
        {
            Judged(capture, verdict);
            if (_length > SnapshotBytesMax)
            {
                break;
            }
        }

        FlushFrame();
    }

    /// <summary>One trace of a snapshot whose case is written.</summary>
    public void AddRecent(in TraceId traceId, long expiresUnixNano)
    {
        Ended(0, traceId, expiresUnixNano);
        FlushFrame();
    }

    /// <summary>The new journal takes the old one's place.</summary>
    public void EndSnapshot()
    {
        if (_file is null)
        {
            return;
        }

        try
        {
            NotePosition();
            WriteFrame();
            File.Move(_path + ".tmp", _path, overwrite: true);
            _compactedLength = _length;
            if (_isFailing)
            {
                _isFailing = false;
                _log.JournalWorksAgain(_path);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Failed(exception);
        }
    }

    public void Dispose() => CloseFile();

    private void NotePosition()
    {
        _frame.Position(_reached);
        _positionWrittenAt = _time.GetTimestamp();
    }

    private void FlushFrame()
    {
        if (_file is null)
        {
            _frame.Clear();
        }
        else if (_frame.Length >= SnapshotFrameBytes)
        {
            try
            {
                WriteFrame();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                Failed(exception);
            }
        }
    }

    private void WriteFrame()
    {
        if (!_frame.IsEmpty)
        {
            _length += _frame.WriteTo(_file!, _length, _seed);
            _frame.Clear();
        }
    }

    private void Failed(Exception exception)
    {
        _frame.Clear();
        CloseFile();
        _failedAt = _time.GetTimestamp();
        _metrics.JournalFailed();
        if (!_isFailing)
        {
            _isFailing = true;
            _log.JournalFails(_path, exception.Message);
        }
    }

    private void CloseFile()
    {
        _file?.Dispose();
        _file = null;
    }
}
