using System.Buffers.Binary;
using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus.Journal;

/// <summary>What the frames say, read in order. A frame that is not whole is the last.</summary>
internal sealed class JournalReading
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
            if (frames.Length < JournalFormat.FrameHeaderLength)
            {
                return false;
            }

            var length = BinaryPrimitives.ReadInt32LittleEndian(frames);
            if (length <= 0 || length > frames.Length - JournalFormat.FrameHeaderLength)
            {
                return false;
            }

            var frame = frames.Slice(JournalFormat.FrameHeaderLength, length);
            if (BinaryPrimitives.ReadUInt32LittleEndian(frames[4..]) != JournalFormat.ChecksumOf(frame, seed))
            {
                return false;
            }

            for (var entries = new EntryReader(frame); !entries.IsAtEnd;)
            {
                Read(ref entries);
            }

            frames = frames[(JournalFormat.FrameHeaderLength + length)..];
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
