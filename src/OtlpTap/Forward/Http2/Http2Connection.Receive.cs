using System.Buffers.Binary;
using System.Net.Sockets;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// What the connection receives: one loop, one buffer, frames read in place. Nothing the peer says is believed: every
/// length is checked where it is read, and what breaks the protocol ends the connection as a <see cref="Violation"/>.
/// <code>
///   0 DATA           | pad length? | data | padding |                    stream of ours
///   1 HEADERS        | pad length? | priority, 5? | block | padding |    stream of ours; END_HEADERS or CONTINUATION follows
///   2 PRIORITY       | 5 bytes |                                         ignored (deprecated)
///   3 RST_STREAM     | code, 4 |                                         stream of ours
///   4 SETTINGS       | id, 2 + value, 4 | ...                            stream 0; answered with ACK
///   5 PUSH_PROMISE                                                       forbidden: pushes are off
///   6 PING           | opaque, 8 |                                       stream 0; answered with ACK
///   7 GOAWAY         | last stream, 4 | code, 4 | debug data |           stream 0
///   8 WINDOW_UPDATE  | increment, 4 |                                    stream 0 or ours
///   9 CONTINUATION   | block |                                           only behind HEADERS of the same stream
///   others                                                               ignored
/// </code>
/// </summary>
internal sealed partial class Http2Connection
{
    private const int ReceiveBufferLength = 64 << 10;
    private const int ContinuationFramesMax = 64;
    private const int PaddingCreditThreshold = 16 << 10;

    // How many frames are taken in under one taking of the gate: a few microseconds, so that callers hardly wait.
    private const int FramesPerTurn = 16;

    private readonly int _streamWindow;
    private readonly int _replyBytesMax;

    // Of the read loop.
    private readonly byte[] _received = GC.AllocateUninitializedArray<byte>(ReceiveBufferLength, pinned: true);
    private readonly HpackDecoder _headers;
    private int _receivedFrom;
    private int _receivedTo;
    private bool _areSettingsSeen;

    // A header block that continues: its stream and flags, and what came so far.
    private int _blockStreamId;
    private bool _blockEndsStream;
    private int _blockFrames;
    private int _blockLength;
    private byte[] _block = [];

    // Guarded by the gate.
    private readonly FloodGuard _flood;
    private FlowWindow _receiveWindow;
    private int _credit;

    private async Task ReadAsync()
    {
        string cause;
        try
        {
            do
            {
                MakeSpace();
                var count = await _channel.ReadAsync(_received.AsMemory(_receivedTo));
                if (count == 0)
                {
                    break;
                }

                _receivedTo += count;
            }
            while (TakeFrames());

            cause = "closed by the upstream";
        }
        catch (Exception exception) when (IsFailure(exception))
        {
            cause = exception.Message;
        }
        catch (Exception exception)
        {
            _transport.LogUnexpected(exception);
            cause = exception.Message;
        }

        lock (_gate)
        {
            Close(Http2ErrorCode.None, cause);
        }
    }

    private static bool IsFailure(Exception exception) =>
        exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException;

    // A frame is at most a quarter of the buffer, so that after moving its beginning to the front the rest always fits.
    private void MakeSpace()
    {
        if (_receivedFrom == _receivedTo)
        {
            _receivedFrom = 0;
            _receivedTo = 0;
        }
        else if (_received.Length - _receivedFrom < FrameHeader.Size + FrameHeader.PayloadLengthMax)
        {
            _received.AsSpan(_receivedFrom, _receivedTo - _receivedFrom).CopyTo(_received);
            _receivedTo -= _receivedFrom;
            _receivedFrom = 0;
        }
    }

    /// <summary>False when the connection has ended.</summary>
    private bool TakeFrames()
    {
        for (var anyLeft = true; anyLeft;)
        {
            lock (_gate)
            {
                _isPingOut = false;
                for (var i = 0; i < FramesPerTurn && anyLeft && _state != State.Closed; i++)
                {
                    anyLeft = TryTakeFrame(out var violation);
                    if (!violation.IsNone)
                    {
                        Close(violation.Code, $"the upstream broke HTTP/2 ({violation.Code}: {violation.Reason})");
                    }
                }

                if (_state == State.Closed)
                {
                    return false;
                }

                if (!anyLeft)
                {
                    _unansweredSince = _streams.Count > 0 ? _time.GetTimestamp() : 0;
                    RequestFlush();
                }
            }
        }

        return true;
    }

    private bool TryTakeFrame(out Violation violation)
    {
        violation = Violation.None;
        var available = _received.AsSpan(_receivedFrom, _receivedTo - _receivedFrom);
        if (available.Length < FrameHeader.Size)
        {
            return false;
        }

        var header = FrameHeader.Read(available);
        if (!_areSettingsSeen && (header.Type != FrameType.Settings || header.Has(FrameFlags.Ack)))
        {
            violation = Violation.Protocol("no SETTINGS at the beginning: not an HTTP/2 server");
            return false;
        }

        if (header.Length > FrameHeader.PayloadLengthMax)
        {
            violation = Violation.FrameSize($"a frame of {header.Length} bytes");
            return false;
        }

        if (available.Length < FrameHeader.Size + header.Length)
        {
            return false;
        }

        _receivedFrom += FrameHeader.Size + header.Length;
        violation = Take(header, available.Slice(FrameHeader.Size, header.Length));
        if (violation.IsNone && _control.HasOverflowed)
        {
            violation = Violation.Flood("more frames to answer than the upstream reads");
        }

        return violation.IsNone;
    }

    private Violation Take(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (_blockStreamId != 0 && (header.Type != FrameType.Continuation || header.StreamId != _blockStreamId))
        {
            return Violation.Protocol("another frame inside a header block");
        }

        return header.Type switch
        {
            FrameType.Data => TakeData(header, payload),
            FrameType.Headers => TakeHeaders(header, payload),
            FrameType.Priority => TakePriority(header),
            FrameType.RstStream => TakeReset(header, payload),
            FrameType.Settings => TakeSettings(header, payload),
            FrameType.PushPromise => Violation.Protocol("PUSH_PROMISE, though pushes are off"),
            FrameType.Ping => TakePing(header, payload),
            FrameType.GoAway => TakeGoAway(header, payload),
            FrameType.WindowUpdate => TakeWindowUpdate(header, payload),
            FrameType.Continuation => TakeContinuation(header, payload),
            _ => _flood.Count(),
        };
    }

    /// <summary>A stream that a request of ours has opened, now or earlier.</summary>
    private bool IsOurs(int streamId) => (streamId & 1) == 1 && (_nextStreamId < 0 || streamId < _nextStreamId);

    private Violation TakeData(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (!IsOurs(header.StreamId))
        {
            return Violation.Protocol("DATA on a stream that was never opened");
        }

        if (!TryStripPadding(header, ref payload))
        {
            return Violation.Protocol("padding longer than its frame");
        }

        // Padding counts against both windows (RFC 9113 section 6.9.1).
        _receiveWindow.Take(header.Length);
        if (_receiveWindow.Size < 0)
        {
            return Violation.FlowControl("DATA beyond the connection's window");
        }

        if (!_streams.TryGetValue(header.StreamId, out var call))
        {
            ReturnCredit(header.Length);
            return _flood.Count();
        }

        call.ReceiveWindow.Take(header.Length);
        if (call.ReceiveWindow.Size < 0)
        {
            ReturnCredit(header.Length);
            Fail(call, Http2ErrorCode.FlowControlError, _transport.Failures.BrokenAnswer("DATA beyond the stream's window"));
            return Violation.None;
        }

        var keptBefore = call.Reply.KeptBytes;
        var isGood = call.Reply.TryReadData(payload, _transport.Failures, out var failure);
        ReturnCredit(header.Length - (call.Reply.KeptBytes - keptBefore));
        if (!isGood)
        {
            Fail(call, Http2ErrorCode.Cancel, failure);
            return Violation.None;
        }

        if (header.Has(FrameFlags.EndStream))
        {
            Finish(call);
            return Violation.None;
        }

        ReturnStreamCredit(call, header.Length - payload.Length);
        return payload.IsEmpty ? _flood.Count() : Violation.None;
    }

    private Violation TakeHeaders(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (!IsOurs(header.StreamId))
        {
            return Violation.Protocol("HEADERS on a stream that was never opened");
        }

        if (!TryStripPadding(header, ref payload) || (header.Has(FrameFlags.Priority) && payload.Length < 5))
        {
            return Violation.Protocol("HEADERS too short for their padding and priority");
        }

        payload = header.Has(FrameFlags.Priority) ? payload[5..] : payload;
        if (header.Has(FrameFlags.EndHeaders))
        {
            return TakeBlock(header.StreamId, header.Has(FrameFlags.EndStream), payload);
        }

        _blockStreamId = header.StreamId;
        _blockEndsStream = header.Has(FrameFlags.EndStream);
        _blockLength = 0;
        _blockFrames = 0;
        return KeepBlock(payload);
    }

    private Violation TakeContinuation(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (_blockStreamId == 0)
        {
            return Violation.Protocol("CONTINUATION without HEADERS");
        }

        var violation = KeepBlock(payload);
        if (!violation.IsNone || !header.Has(FrameFlags.EndHeaders))
        {
            return violation;
        }

        var streamId = _blockStreamId;
        _blockStreamId = 0;
        return TakeBlock(streamId, _blockEndsStream, _block.AsSpan(0, _blockLength));
    }

    private Violation KeepBlock(ReadOnlySpan<byte> fragment)
    {
        if (++_blockFrames > ContinuationFramesMax || _blockLength + fragment.Length > HeaderBytesMax)
        {
            return Violation.Flood("a header block without end");
        }

        if (_block.Length < _blockLength + fragment.Length)
        {
            Array.Resize(ref _block, Math.Max(_blockLength + fragment.Length, Math.Min(HeaderBytesMax, 2 * _block.Length)));
        }

        fragment.CopyTo(_block.AsSpan(_blockLength));
        _blockLength += fragment.Length;
        return Violation.None;
    }

    private Violation TakeBlock(int streamId, bool endsStream, ReadOnlySpan<byte> block)
    {
        var fields = _headers.Read(block);
        string? problem = null;
        if (_streams.TryGetValue(streamId, out var call))
        {
            problem = call.Reply.ReadHeaders(ref fields, endsStream);
        }
        else
        {
            while (fields.TryNext())
            {
                // The stream is gone, but what the block does to the table holds for the next one.
            }
        }

        if (fields.Error is not null)
        {
            return Violation.Compression(fields.Error);
        }

        if (call is null)
        {
            return _flood.Count();
        }

        if (fields.IsTooLarge)
        {
            Fail(call, Http2ErrorCode.Cancel, _transport.Failures.HeadersTooLarge(HeaderBytesMax));
        }
        else if (problem is not null)
        {
            Fail(call, Http2ErrorCode.ProtocolError, _transport.Failures.BrokenAnswer(problem));
        }
        else if (endsStream)
        {
            Finish(call);
        }

        return Violation.None;
    }

    private Violation TakePriority(in FrameHeader header) =>
        header.StreamId == 0 ? Violation.Protocol("PRIORITY on stream 0")
        : header.Length != 5 ? Violation.FrameSize("PRIORITY of a broken length")
        : _flood.Count();

    private Violation TakeReset(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (!IsOurs(header.StreamId))
        {
            return Violation.Protocol("RST_STREAM on a stream that was never opened");
        }

        if (payload.Length != 4)
        {
            return Violation.FrameSize("RST_STREAM of a broken length");
        }

        if (!_streams.TryGetValue(header.StreamId, out var call))
        {
            return _flood.Count();
        }

        var code = (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload);
        Detach(call);
        if (code == Http2ErrorCode.RefusedStream)
        {
            // The one code that says nothing was done with the request (RFC 9113 section 8.7).
            _transport.Redispatch(call);
        }
        else
        {
            call.Settle(_transport.Failures.ConnectionLost($"the upstream reset the stream ({code})"));
        }

        return Violation.None;
    }

    private Violation TakeSettings(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.StreamId != 0)
        {
            return Violation.Protocol("SETTINGS on a stream");
        }

        if (header.Has(FrameFlags.Ack))
        {
            return payload.IsEmpty ? _flood.Count() : Violation.FrameSize("SETTINGS that acknowledge and set");
        }

        var windowBefore = _peer.InitialWindowSize;
        var violation = _peer.Apply(payload);
        if (violation.IsNone)
        {
            violation = ShiftWindows(_peer.InitialWindowSize - windowBefore);
        }

        if (!violation.IsNone)
        {
            return violation;
        }

        _control.AddSettingsAck();
        if (!_areSettingsSeen)
        {
            _areSettingsSeen = true;
            _started.TrySetResult(null);
        }

        if (_state == State.Open)
        {
            _transport.GiveSlots(this);
        }

        return CountAnswer();
    }

    /// <summary>A new initial window moves the windows of all open streams, below zero too (RFC 9113 section 6.9.2).</summary>
    private Violation ShiftWindows(int change)
    {
        if (change == 0)
        {
            return Violation.None;
        }

        foreach (var call in _streams.Values)
        {
            if (!call.SendWindow.TryAdd(change))
            {
                return Violation.FlowControl("a stream's window beyond 2^31-1");
            }

            MakeReadyOrPark(call);
        }

        return Violation.None;
    }

    private void MakeReadyOrPark(Http2Call call)
    {
        var isReady = call.Unsent > 0 && call.SendWindow.Size > 0;
        if (isReady && call.Queue is null)
        {
            _ready.Append(call);
        }
        else if (!isReady && call.Queue is not null)
        {
            _ready.Remove(call);
        }
    }

    private Violation TakePing(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.StreamId != 0)
        {
            return Violation.Protocol("PING on a stream");
        }

        if (payload.Length != 8)
        {
            return Violation.FrameSize("PING of a broken length");
        }

        // An answer needs no look: whatever comes is a sign of life.
        if (header.Has(FrameFlags.Ack))
        {
            return _flood.Count();
        }

        _control.AddPing(BinaryPrimitives.ReadUInt64BigEndian(payload), isAck: true);
        return CountAnswer();
    }

    private Violation CountAnswer() =>
        _control.IsFull ? Violation.Flood("more PING and SETTINGS than the upstream reads answers to") : _flood.Count();

    private Violation TakeGoAway(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.StreamId != 0)
        {
            return Violation.Protocol("GOAWAY on a stream");
        }

        if (payload.Length < 8)
        {
            return Violation.FrameSize("GOAWAY of a broken length");
        }

        var lastStreamId = (int)(BinaryPrimitives.ReadUInt32BigEndian(payload) & 0x7FFF_FFFF);
        var code = (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload[4..]);
        if (code == Http2ErrorCode.EnhanceYourCalm && payload[8..].SequenceEqual("too_many_pings"u8))
        {
            _transport.PingLess(_pingDelay);
        }

        if (_state == State.Starting)
        {
            Close(Http2ErrorCode.None, $"the upstream sent GOAWAY ({code})");
            return Violation.None;
        }

        // First no new calls may come here: those sent back look for another connection at once.
        if (_state == State.Open)
        {
            _state = State.Draining;
            _transport.LogGoAway(code);
        }

        foreach (var call in _streams.Values.Where(call => call.StreamId > lastStreamId).ToArray())
        {
            // "Not processed": safe to send again (RFC 9113 section 6.8).
            _streams.Remove(call.StreamId);
            if (call.Queue is not null)
            {
                _ready.Remove(call);
            }

            ReturnCredit(call.Reply.KeptBytes);
            Redispatch(call);
        }

        Drain();
        return _flood.Count();
    }

    private Violation TakeWindowUpdate(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.Length != 4)
        {
            return Violation.FrameSize("WINDOW_UPDATE of a broken length");
        }

        var increment = (int)(BinaryPrimitives.ReadUInt32BigEndian(payload) & 0x7FFF_FFFF);
        if (header.StreamId == 0)
        {
            return increment == 0 ? Violation.Protocol("WINDOW_UPDATE of 0")
                : _sendWindow.TryAdd(increment) ? Violation.None
                : Violation.FlowControl("the connection's window beyond 2^31-1");
        }

        if (!IsOurs(header.StreamId))
        {
            return Violation.Protocol("WINDOW_UPDATE on a stream that was never opened");
        }

        if (!_streams.TryGetValue(header.StreamId, out var call))
        {
            return Violation.None;
        }

        if (increment == 0)
        {
            Fail(call, Http2ErrorCode.ProtocolError, _transport.Failures.BrokenAnswer("WINDOW_UPDATE of 0"));
        }
        else if (!call.SendWindow.TryAdd(increment))
        {
            Fail(call, Http2ErrorCode.FlowControlError, _transport.Failures.BrokenAnswer("a window beyond 2^31-1"));
        }
        else
        {
            MakeReadyOrPark(call);
        }

        return Violation.None;
    }

    private static bool TryStripPadding(in FrameHeader header, ref ReadOnlySpan<byte> payload)
    {
        if (!header.Has(FrameFlags.Padded))
        {
            return true;
        }

        if (payload.IsEmpty || payload[0] >= payload.Length)
        {
            return false;
        }

        payload = payload[1..^payload[0]];
        return true;
    }

    /// <summary>The answer is whole. When it came before the request was (the upstream wants no more of it), the rest is not sent.</summary>
    private void Finish(Http2Call call)
    {
        var answer = call.Reply.Build(_transport.Failures);
        if (call.Unsent > 0)
        {
            _control.AddReset(call.StreamId, Http2ErrorCode.Cancel);
        }

        Detach(call);
        call.Settle(answer);
    }

    private void Fail(Http2Call call, Http2ErrorCode code, UpstreamAnswer answer)
    {
        _control.AddReset(call.StreamId, code);
        Detach(call);
        call.Settle(answer);
    }

    private void ReturnCredit(int bytes)
    {
        _credit += bytes;
        if (_credit >= _replyBytesMax / 4 && _state != State.Closed)
        {
            _receiveWindow.TryAdd(_credit);
            _control.AddWindowUpdate(0, _credit);
            _credit = 0;
        }
    }

    // The stream's window holds one whole answer; only padding, which is thrown away, is ever given back.
    private void ReturnStreamCredit(Http2Call call, int paddingBytes)
    {
        call.PaddingCredit += paddingBytes;
        if (call.PaddingCredit >= PaddingCreditThreshold)
        {
            call.ReceiveWindow.TryAdd(call.PaddingCredit);
            _control.AddWindowUpdate(call.StreamId, call.PaddingCredit);
            call.PaddingCredit = 0;
        }
    }
}
