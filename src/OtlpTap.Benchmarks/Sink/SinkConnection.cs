using System.Buffers.Binary;

namespace OtlpTap.Benchmarks.Sink;

/// <summary>
/// The sink's half of one HTTP/2 connection (RFC 9113). Every request is answered alike, whatever its headers say, so
/// they are never decoded:
/// <code>
///   frame:   | length, 3 bytes | type | flags | stream id, 4 bytes | payload ...
///   answer:  HEADERS  :status 200, content-type application/grpc
///            DATA     00 00000000              (an empty gRPC message)
///            HEADERS  grpc-status 0            (END_STREAM: the trailer)
/// </code>
/// </summary>
internal sealed class SinkConnection(int descriptor, SinkCounters counters)
{
    private const int FrameHeaderLength = 9;
    private const byte TypeData = 0, TypeHeaders = 1, TypeSettings = 4, TypePing = 6, TypeWindowUpdate = 8;
    private const byte FlagEndStream = 1, FlagAck = 1, FlagPadded = 8;

    // No stream is ever short of window: larger than any request, so that updates are due for the connection alone.
    private const int StreamWindowBytes = 256 << 20;
    private const int ConnectionWindowBytes = 1 << 30;
    private const int ConnectionWindowDefault = 65_535;
    private const int MaxConcurrentStreams = 1000;
    private const int EmptyMessageLength = 5;

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    // HPACK without a dynamic table (RFC 7541): 88 is ":status 200"; 0f 10 is a literal under the static name "content-type"; 00 a literal under a new name.
    private static readonly byte[] Answer =
    [
        0, 0, 20, TypeHeaders, 4, 0, 0, 0, 0,
        0x88, 0x0F, 0x10, 16, .. "application/grpc"u8,
        0, 0, EmptyMessageLength, TypeData, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0,
        0, 0, 15, TypeHeaders, 4 | FlagEndStream, 0, 0, 0, 0,
        0x00, 11, .. "grpc-status"u8, 1, (byte)'0',
    ];

    private const int AnswerStreamId = 5, AnswerDataStreamId = 29 + 5, AnswerTrailerStreamId = 29 + 14 + 5;

    // Requests whose answer waits for the peer to open its connection window.
    private readonly Queue<int> _unanswered = new();
    private long _sendWindow = ConnectionWindowDefault;
    private long _received;

    // The frame under way. A payload that is not DATA is gathered in _control until whole.
    private readonly byte[] _header = new byte[FrameHeaderLength];
    private readonly byte[] _control = new byte[64];
    private int _prefaceSeen;
    private int _headerSeen;
    private int _payloadLeft;
    private int _controlSeen;

    private byte[] _out = new byte[64 << 10];
    private int _outLength;

    public void Open()
    {
        Span<byte> settings = stackalloc byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(settings, 3);
        BinaryPrimitives.WriteUInt32BigEndian(settings[2..], MaxConcurrentStreams);
        BinaryPrimitives.WriteUInt16BigEndian(settings[6..], 4);
        BinaryPrimitives.WriteUInt32BigEndian(settings[8..], StreamWindowBytes);
        Write(TypeSettings, 0, 0, settings);
        OpenWindow(ConnectionWindowBytes - ConnectionWindowDefault);
    }

    /// <summary>Takes what was received; false when the peer does what this sink does not speak.</summary>
    public bool TryRead(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_prefaceSeen < Preface.Length)
            {
                if (bytes[0] != Preface[_prefaceSeen++])
                {
                    return false;
                }

                bytes = bytes[1..];
            }
            else if (_headerSeen < FrameHeaderLength)
            {
                var taken = Math.Min(FrameHeaderLength - _headerSeen, bytes.Length);
                bytes[..taken].CopyTo(_header.AsSpan(_headerSeen));
                _headerSeen += taken;
                bytes = bytes[taken..];
                if (_headerSeen == FrameHeaderLength && !TryBeginFrame())
                {
                    return false;
                }
            }
            else
            {
                var taken = Math.Min(_payloadLeft, bytes.Length);
                PayloadArrived(bytes[..taken]);
                bytes = bytes[taken..];
            }
        }

        return true;
    }

    /// <summary>Sends what has been written; false when the connection is lost.</summary>
    public bool TryFlush()
    {
        const int StalledPeerMilliseconds = 1000;
        var unsent = _out.AsSpan(0, _outLength);
        while (!unsent.IsEmpty)
        {
            var sent = Epoll.Send(descriptor, unsent);
            if (sent > 0)
            {
                unsent = unsent[sent..];
            }
            else if (!Epoll.WaitWritable(descriptor, StalledPeerMilliseconds))
            {
                return false;
            }
        }

        _outLength = 0;
        return true;
    }

    private byte Type => _header[3];

    private byte Flags => _header[4];

    private long Call => ((long)descriptor << 32) | (uint)StreamId;

    private int StreamId => BinaryPrimitives.ReadInt32BigEndian(_header.AsSpan(5)) & int.MaxValue;

    private bool TryBeginFrame()
    {
        _payloadLeft = (_header[0] << 16) | (_header[1] << 8) | _header[2];
        _controlSeen = 0;
        if (Type == TypeData && (Flags & FlagPadded) != 0)
        {
            // No proxy under test pads; counting padding as message bytes would be a false check.
            return false;
        }

        if (_payloadLeft == 0)
        {
            EndFrame();
        }

        return true;
    }

    private void PayloadArrived(ReadOnlySpan<byte> part)
    {
        if (Type == TypeData)
        {
            counters.BodyArrived(Call, part);
            _received += part.Length;
        }
        else
        {
            // Only the first bytes of a control frame are ever looked at.
            var kept = Math.Min(part.Length, _control.Length - _controlSeen);
            part[..kept].CopyTo(_control.AsSpan(_controlSeen));
            _controlSeen += kept;
        }

        _payloadLeft -= part.Length;
        if (_payloadLeft == 0)
        {
            EndFrame();
        }
    }

    private void EndFrame()
    {
        _headerSeen = 0;
        switch (Type)
        {
            case TypeData or TypeHeaders when (Flags & FlagEndStream) != 0:
                counters.RequestEnded(Call);
                _unanswered.Enqueue(StreamId);
                AnswerAll();
                break;
            case TypeSettings when (Flags & FlagAck) == 0:
                Write(TypeSettings, FlagAck, 0, []);
                break;
            case TypePing when (Flags & FlagAck) == 0:
                Write(TypePing, FlagAck, 0, _control.AsSpan(0, 8));
                break;
            case TypeWindowUpdate when StreamId == 0:
                _sendWindow += BinaryPrimitives.ReadInt32BigEndian(_control) & int.MaxValue;
                AnswerAll();
                break;
        }

        if (_received >= ConnectionWindowBytes / 2)
        {
            OpenWindow((int)_received);
            _received = 0;
        }
    }

    private void AnswerAll()
    {
        while (_sendWindow >= EmptyMessageLength && _unanswered.TryDequeue(out var stream))
        {
            _sendWindow -= EmptyMessageLength;
            var answer = Reserve(Answer.Length);
            Answer.CopyTo(answer);
            BinaryPrimitives.WriteInt32BigEndian(answer[AnswerStreamId..], stream);
            BinaryPrimitives.WriteInt32BigEndian(answer[AnswerDataStreamId..], stream);
            BinaryPrimitives.WriteInt32BigEndian(answer[AnswerTrailerStreamId..], stream);
        }
    }

    private void OpenWindow(int bytes)
    {
        Span<byte> increment = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(increment, bytes);
        Write(TypeWindowUpdate, 0, 0, increment);
    }

    private void Write(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = Reserve(FrameHeaderLength + payload.Length);
        frame[0] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(frame[1..], (ushort)payload.Length);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame[5..], stream);
        payload.CopyTo(frame[FrameHeaderLength..]);
    }

    private Span<byte> Reserve(int length)
    {
        if (_outLength + length > _out.Length)
        {
            Array.Resize(ref _out, _out.Length * 2);
        }

        _outLength += length;
        return _out.AsSpan(_outLength - length, length);
    }
}
