using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

using OtlpTap.Recorder;

/// <summary>What an earlier process left to be done.</summary>
/// <param name="Position">Requests up to here were looked at; those behind it are to be.</param>
/// <param name="Captures">Those that had not ended, in order.</param>
/// <param name="Recent">Traces whose case was written, and until when late spans are added, in nanoseconds since 1970.</param>
internal sealed record JournalState(long Position, IReadOnlyList<JournaledCapture> Captures, IReadOnlyList<(TraceId Trace, long ExpiresUnixNano)> Recent);

internal sealed record JournaledCapture(ulong Number, TraceId TraceId, long ScheduledUnixNano, bool IsUpdate, List<Verdict> Verdicts);

/// <summary>
/// The schedule of captures as a file beside the ring: what was due when the process ended, however it ended, is carried
/// out by the next one. Appended to with one write for each request that changes something, and written anew when it has
/// grown beyond what it says. Its caller holds the schedule's lock.
/// <para>
/// It is not synced, and need not be whole: what it does not say of the rules' verdicts, the requests in the ring say, for
/// those behind the last position that it has are looked at again; and a case that is written twice is the same case.
/// </para>
/// <code>
/// file:   "otlpcap" 1 | ring: 8 | seed: 8 | checksum of all before: 8 | frame | frame ...
/// frame:  length: 4 | checksum of what follows, with the seed: 4 | entry | entry ...
/// entry:  1 position: 8
///         2 number: 8 | trace: 16 | scheduled: 8 | is update: 1
///         3 number: 8 | the verdict
///         4 number: 8 | trace: 16 | late spans until: 8
///         5 number: 8 | subject and aspect of its last verdict
/// </code>
/// </summary>
internal sealed class CaptureJournal : IDisposable
{
    public const string FileName = "captures.journal";

    private const int HeaderLength = 32;
    private const int FrameHeaderLength = 8;
    private const int SnapshotFrameBytes = 256 << 10;
    private const int TextLengthMax = 16_384;

    // Written anew when it is twice what it was then, and larger than this.
    private const long CompactBytesMin = 1 << 20;

    // Of a snapshot: beyond it a capture is written with its first verdict alone. 16,384 captures of a few hundred bytes are 8 MB.
    private const long SnapshotBytesMax = 32 << 20;

    private static readonly TimeSpan PositionInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(10);
    private static readonly byte[] Magic = [.. "otlpcap"u8, 1];

    private readonly string _path;
    private readonly ulong _ringId;
    private readonly Func<long> _position;
    private readonly CorpusMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ArrayBufferWriter<byte> _frame = new(4096);

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
        var reading = new Reading();
        try
        {
            if (File.Exists(_path))
            {
                var bytes = File.ReadAllBytes(_path);
                if (!TryReadHeader(bytes, out var ringId, out var seed))
                {
                    Damaged();
                }
                else if (!reading.Add(bytes.AsSpan(HeaderLength), seed))
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

    public void Scheduled(Capture capture, long scheduledUnixNano)
    {
        var entry = Entry(EntryKind.Scheduled, 8 + TraceId.Length + 8 + 1);
        BinaryPrimitives.WriteUInt64LittleEndian(entry, capture.Number);
        capture.TraceId.WriteTo(entry[8..]);
        BinaryPrimitives.WriteInt64LittleEndian(entry[24..], scheduledUnixNano);
        entry[32] = capture.IsUpdate ? (byte)1 : (byte)0;
    }

    public void Judged(Capture capture, in Verdict verdict)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(Entry(EntryKind.Verdict, 8), capture.Number);
        WriteId(verdict.SpanId);
        WriteId(verdict.Origin);
        WriteText(verdict.Failure);
        WriteText(verdict.Rule);
        WriteText(verdict.Source);
        WriteText(verdict.Label);
        WriteText(verdict.Explanation);
        BinaryPrimitives.WriteDoubleLittleEndian(Room(8), verdict.Score ?? double.NaN);
        BinaryPrimitives.WriteInt32LittleEndian(Room(4), verdict.Evidence.Count);
        foreach (var piece in verdict.Evidence)
        {
            WriteText(piece);
        }

        if (verdict.Subject is not null || verdict.Aspect is not null)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(Entry(EntryKind.About, 8), capture.Number);
            WriteText(verdict.Subject);
            WriteText(verdict.Aspect);
        }
    }

    /// <param name="expiresUnixNano">Until when late spans are added; 0 when the trace is not remembered.</param>
    public void Ended(ulong number, in TraceId traceId, long expiresUnixNano)
    {
        var entry = Entry(EntryKind.Ended, 8 + TraceId.Length + 8);
        BinaryPrimitives.WriteUInt64LittleEndian(entry, number);
        traceId.WriteTo(entry[8..]);
        BinaryPrimitives.WriteInt64LittleEndian(entry[24..], expiresUnixNano);
    }

    /// <summary>Writes what was noted since the last time, with how far that is; now and then only how far.</summary>
    public void Flush()
    {
        if (_file is null)
        {
            _frame.Clear(); // the next snapshot has it
            return;
        }

        if (_frame.WrittenCount == 0 && (!_isCaughtUp || _time.GetElapsedTime(_positionWrittenAt) < PositionInterval))
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
            Span<byte> header = stackalloc byte[HeaderLength];
            Magic.CopyTo(header);
            BinaryPrimitives.WriteUInt64LittleEndian(header[8..], _ringId);
            BinaryPrimitives.WriteUInt64LittleEndian(header[16..], _seed);
            BinaryPrimitives.WriteUInt64LittleEndian(header[24..], XxHash3.HashToUInt64(header[..24]));
            RandomAccess.Write(_file.SafeFileHandle, header, 0);
            _length = HeaderLength;
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

    private static bool TryReadHeader(ReadOnlySpan<byte> bytes, out ulong ringId, out ulong seed)
    {
        (ringId, seed) = (0, 0);
        if (bytes.Length < HeaderLength || !bytes.StartsWith(Magic) || BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]) != XxHash3.HashToUInt64(bytes[..24]))
        {
            return false;
        }

        ringId = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        seed = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        return true;
    }

    private void NotePosition()
    {
        BinaryPrimitives.WriteInt64LittleEndian(Entry(EntryKind.Position, 8), _reached);
        _positionWrittenAt = _time.GetTimestamp();
    }

    private void FlushFrame()
    {
        if (_file is null)
        {
            _frame.Clear();
        }
        else if (_frame.WrittenCount >= SnapshotFrameBytes)
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

    // In one write: a kill leaves all of it or nothing, a full disk a part, whose checksum is wrong.
    private void WriteFrame()
    {
        if (_frame.WrittenCount == 0)
        {
            return;
        }

        Span<byte> header = stackalloc byte[FrameHeaderLength];
        BinaryPrimitives.WriteInt32LittleEndian(header, _frame.WrittenCount);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], (uint)XxHash3.HashToUInt64(_frame.WrittenSpan, (long)_seed));
        var frame = ArrayPool<byte>.Shared.Rent(FrameHeaderLength + _frame.WrittenCount);
        try
        {
            header.CopyTo(frame);
            _frame.WrittenSpan.CopyTo(frame.AsSpan(FrameHeaderLength));
            RandomAccess.Write(_file!.SafeFileHandle, frame.AsSpan(0, FrameHeaderLength + _frame.WrittenCount), _length);
            _length += FrameHeaderLength + _frame.WrittenCount;
            _frame.Clear();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
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

    private Span<byte> Entry(EntryKind kind, int length)
    {
        var room = Room(1 + length);
        room[0] = (byte)kind;
        return room[1..];
    }

    private Span<byte> Room(int length)
    {
        var room = _frame.GetSpan(length)[..length];
        _frame.Advance(length);
        return room;
    }

    private void WriteId(in SpanId id) => id.WriteTo(Room(SpanId.Length));

    // Null: a length of -1.
    private void WriteText(string? text)
    {
        if (text is null)
        {
            BinaryPrimitives.WriteInt32LittleEndian(Room(4), -1);
            return;
        }

        var cut = text.AsSpan(0, Math.Min(text.Length, TextLengthMax));
        var length = Encoding.UTF8.GetByteCount(cut);
        BinaryPrimitives.WriteInt32LittleEndian(Room(4), length);
        Encoding.UTF8.GetBytes(cut, Room(length));
    }

    private enum EntryKind : byte
    {
        Position = 1,
        Scheduled = 2,
        Verdict = 3,
        Ended = 4,
        About = 5,
    }

    /// <summary>What the frames say, read in order. A frame that is not whole is the last.</summary>
    private sealed class Reading
    {
        private readonly Dictionary<ulong, JournaledCapture> _captures = [];
        private readonly Dictionary<TraceId, long> _recent = [];

        public long Position { get; set; }

        public JournalState State() => new(
            Position,
            [.. _captures.Values.OrderBy(capture => capture.Number)],
            [.. _recent.OrderBy(recent => recent.Value).Select(recent => (recent.Key, recent.Value))]);

        /// <summary>False where a frame is damaged: all before it count.</summary>
        public bool Add(ReadOnlySpan<byte> frames, ulong seed)
        {
            while (frames.Length > 0)
            {
                if (frames.Length < FrameHeaderLength)
                {
                    return false;
                }

                var length = BinaryPrimitives.ReadInt32LittleEndian(frames);
                if (length <= 0 || length > frames.Length - FrameHeaderLength)
                {
                    return false;
                }

                var frame = frames.Slice(FrameHeaderLength, length);
                if (BinaryPrimitives.ReadUInt32LittleEndian(frames[4..]) != (uint)XxHash3.HashToUInt64(frame, (long)seed))
                {
                    return false;
                }

                for (var entries = new EntryReader(frame); !entries.IsAtEnd;)
                {
                    Read(ref entries);
                }

                frames = frames[(FrameHeaderLength + length)..];
            }

            return true;
        }

        private void Read(ref EntryReader entry)
        {
            switch ((EntryKind)entry.Bytes(1)[0])
            {
                case EntryKind.Position:
                    Position = entry.Int64();
                    break;

                case EntryKind.Scheduled:
                    var number = (ulong)entry.Int64();
                    _captures[number] = new JournaledCapture(number, entry.Trace(), entry.Int64(), entry.Bytes(1)[0] != 0, []);
                    break;

                case EntryKind.Verdict:
                    var capture = _captures.GetValueOrDefault((ulong)entry.Int64());
                    var verdict = entry.Verdict();
                    capture?.Verdicts.Add(verdict);
                    break;

                case EntryKind.About:
                    var judged = _captures.GetValueOrDefault((ulong)entry.Int64())?.Verdicts;
                    var (subject, aspect) = (entry.Text(), entry.Text());
                    if (judged is [.., var last])
                    {
                        judged[^1] = last with { Subject = subject, Aspect = aspect };
                    }

                    break;

                case EntryKind.Ended:
                    _captures.Remove((ulong)entry.Int64());
                    var trace = entry.Trace();
                    if (entry.Int64() is > 0 and var expires)
                    {
                        _recent[trace] = expires;
                    }

                    break;

                default:
                    throw new InvalidOperationException("A frame whose checksum is right has an entry that this version does not know.");
            }
        }
    }

    private ref struct EntryReader(ReadOnlySpan<byte> frame)
    {
        private ReadOnlySpan<byte> _rest = frame;

        public readonly bool IsAtEnd => _rest.IsEmpty;

        public ReadOnlySpan<byte> Bytes(int length)
        {
            var bytes = _rest[..length];
            _rest = _rest[length..];
            return bytes;
        }

        public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8));

        public TraceId Trace()
        {
            TraceId.TryRead(Bytes(TraceId.Length), out var id);
            return id;
        }

        public Verdict Verdict()
        {
            var (span, origin) = (Span(), Span());
            var verdict = new Verdict(span, Text() ?? "", Text() ?? "", Text() ?? "") { Origin = origin, Label = Text(), Explanation = Text() };
            var score = BinaryPrimitives.ReadDoubleLittleEndian(Bytes(8));
            var evidence = new string[BinaryPrimitives.ReadInt32LittleEndian(Bytes(4))];
            for (var i = 0; i < evidence.Length; i++)
            {
                evidence[i] = Text() ?? "";
            }

            return verdict with { Score = double.IsNaN(score) ? null : score, Evidence = evidence };
        }

        private SpanId Span()
        {
            SpanId.TryRead(Bytes(SpanId.Length), out var id);
            return id;
        }

        public string? Text()
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));
            return length < 0 ? null : Encoding.UTF8.GetString(Bytes(length));
        }
    }
}
