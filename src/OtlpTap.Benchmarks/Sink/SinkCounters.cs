using System.Buffers;
using System.Security.Cryptography;

namespace OtlpTap.Benchmarks.Sink;

/// <summary>What arrived at the sink. Written by the sink's one loop, read by the thread that answers the harness.</summary>
internal sealed class SinkCounters
{
    private const int EmptyBodyLength = 5;

    private long _requests;
    private long _bodyBytes;

    // The whole body of one call, for the check before measuring: armed by the harness, filled and disarmed by the loop.
    // A call with an empty message is passed over: that is a proxy asking whether its upstream lives.
    private volatile bool _capturing;
    private volatile string? _captured;
    private readonly ArrayBufferWriter<byte> _capture = new();
    private long _captureCall;

    public long Requests => Volatile.Read(ref _requests);

    /// <summary>DATA bytes: five of gRPC's frame header for each request, and the message.</summary>
    public long BodyBytes => Volatile.Read(ref _bodyBytes);

    /// <summary>SHA-256 (hex) and length of the captured body, or null while none is complete.</summary>
    public string? Captured => _captured;

    public void Capture()
    {
        _captured = null;
        _capturing = true;
    }

    /// <param name="call">Tells calls apart, also those of different connections.</param>
    /// <param name="data">The next part of its body.</param>
    public void BodyArrived(long call, ReadOnlySpan<byte> data)
    {
        Volatile.Write(ref _bodyBytes, _bodyBytes + data.Length);
        if (_capturing && (_captureCall == 0 || _captureCall == call))
        {
            _captureCall = call;
            _capture.Write(data);
        }
    }

    public void RequestEnded(long call)
    {
        Volatile.Write(ref _requests, _requests + 1);
        if (_capturing && _captureCall == call)
        {
            if (_capture.WrittenCount > EmptyBodyLength)
            {
                _capturing = false;
                _captured = Describe(_capture.WrittenSpan);
            }

            _captureCall = 0;
            _capture.ResetWrittenCount();
        }
    }

    public static string Describe(ReadOnlySpan<byte> body) => $"{Convert.ToHexStringLower(SHA256.HashData(body))} {body.Length}";
}
