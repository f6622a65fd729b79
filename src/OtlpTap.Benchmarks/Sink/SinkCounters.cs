using System.Buffers;
using System.Security.Cryptography;

namespace OtlpTap.Benchmarks.Sink;

/// <summary>What arrived at the sink. Written by the sink's one loop, read by the thread that answers the harness.</summary>
internal sealed class SinkCounters
{
    private long _requests;
    private long _bodyBytes;

    // The whole body of one call, for the check before measuring: armed by the harness, filled and disarmed by the loop.
    private volatile bool _capturing;
    private volatile string? _captured;
    private readonly ArrayBufferWriter<byte> _capture = new();
    private int _captureStream;

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

    public void BodyArrived(int stream, ReadOnlySpan<byte> data)
    {
        Volatile.Write(ref _bodyBytes, _bodyBytes + data.Length);
        if (_capturing && (_captureStream == 0 || _captureStream == stream))
        {
            _captureStream = stream;
            _capture.Write(data);
        }
    }

    public void RequestEnded(int stream)
    {
        Volatile.Write(ref _requests, _requests + 1);
        if (_capturing && _captureStream == stream)
        {
            _capturing = false;
            _captureStream = 0;
            _captured = Describe(_capture.WrittenSpan);
            _capture.ResetWrittenCount();
        }
    }

    public static string Describe(ReadOnlySpan<byte> body) => $"{Convert.ToHexStringLower(SHA256.HashData(body))} {body.Length}";
}
