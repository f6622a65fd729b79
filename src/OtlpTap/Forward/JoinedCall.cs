using System.Diagnostics;
using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>The requests that one upstream call carries. Used for call after call by the group commit that owns it.</summary>
internal sealed class JoinedCall
{
    private ForwardRequest[] _requests = new ForwardRequest[16];
    private Payload[] _payloads = new Payload[16];

    public int Count { get; private set; }

    public int MessageLength { get; private set; }

    public RequestMetadata Metadata => _requests[0].Metadata;

    public ReadOnlySpan<ForwardRequest> Requests => _requests.AsSpan(0, Count);

    public UpstreamBody Body => Count == 1 ? new UpstreamBody(_payloads[0]) : new UpstreamBody(_payloads.AsMemory(0, Count));

    public void Add(ForwardRequest request)
    {
        Debug.Assert(Count == 0 || Metadata.Equals(request.Metadata), "Only requests with equal metadata travel together.");
        if (Count == _requests.Length)
        {
            Array.Resize(ref _requests, 2 * Count);
            Array.Resize(ref _payloads, 2 * Count);
        }

        _requests[Count] = request;
        _payloads[Count] = request.Payload;
        Count++;
        MessageLength += request.Payload.Length;
    }

    public void Clear()
    {
        Array.Clear(_requests, 0, Count);
        Array.Clear(_payloads, 0, Count);
        Count = 0;
        MessageLength = 0;
    }
}
