using System.Buffers.Binary;
using System.Diagnostics;

namespace OtlpTap.Buffers;

/// <summary>
/// One serialized export request in a pooled array, shared by counted references. The bytes are written once, by
/// whoever rented it, before it is shared; after that they never change.
/// <code>
///   array:  | 0 | length, 4 bytes big-endian |  message ...  | unused |
///           '------- gRPC frame header ------'
/// </code>
/// The header stands in front so that the frame goes upstream without a second copy
/// (gRPC over HTTP/2, "Length-Prefixed-Message").
/// </summary>
internal sealed class Payload
{
    public const int FrameHeaderLength = 5;

    private readonly PayloadPool _pool;
    private readonly byte[] _array;
    private int _length;
    private int _references;

    // Credit in the in-flight budget: given back once, by the last who holds it or, at the latest, with the last reference.
    private ByteBudget? _budget;
    private long _credit;
    private int _creditHolds;

    private Payload? _gzip;

    // Whose bytes these are, where this is one of two payloads over the same array.
    private readonly Payload? _origin;

    internal Payload(PayloadPool pool, byte[] array)
    {
        _pool = pool;
        _array = array;
    }

    private Payload(Payload origin)
        : this(origin._pool, origin._array)
    {
        _origin = origin;
        _length = origin._length;
        _references = 1;
        _gzip = origin._gzip;
        ItemCount = origin.ItemCount;
    }

    public int Length => _length;

    /// <summary>The message bytes, without the frame header.</summary>
    public ReadOnlyMemory<byte> Message => _array.AsMemory(FrameHeaderLength, _length);

    public ReadOnlySpan<byte> Span => _array.AsSpan(FrameHeaderLength, _length);

    /// <summary>Frame header and message, ready for the wire, uncompressed.</summary>
    public ReadOnlyMemory<byte> Frame => _array.AsMemory(0, FrameHeaderLength + _length);

    /// <summary>For the renter alone, before the payload is shared.</summary>
    public Span<byte> Writable => _array.AsSpan(FrameHeaderLength, _length);

    /// <inheritdoc cref="Writable"/>
    public Memory<byte> WritableMemory => _array.AsMemory(FrameHeaderLength, _length);

    /// <summary>Spans, log records or data points in the message; set by the pipeline, before the payload is shared with exporters.</summary>
    public int ItemCount { get; set; }

    /// <summary>
    /// The same message as the sender compressed it (one or more gzip members, RFC 1952), where that was kept: an upstream
    /// that takes gzip gets these bytes, and nothing is compressed again. Lives as long as this payload.
    /// </summary>
    public Payload? Gzip => _gzip;

    /// <summary>What it holds in its budget at this moment.</summary>
    public long Credit => Volatile.Read(ref _credit);

    internal int Capacity => _array.Length;

    /// <summary>Takes over one reference to <paramref name="gzip"/>. By the renter alone, before the payload is shared.</summary>
    public void AttachGzip(Payload gzip)
    {
        Debug.Assert(_gzip is null, "A payload has one compressed form.");
        _gzip = gzip;
    }

    /// <summary>Keeps the first bytes alone, where more room was rented than was needed. By the renter alone, before the payload is shared.</summary>
    public void Shrink(int length)
    {
        Debug.Assert((uint)length <= (uint)_length, "A payload does not grow.");
        SetLength(length);
    }

    public void AddReference()
    {
        var references = Interlocked.Increment(ref _references);
        Debug.Assert(references > 1, "A payload was referenced after its last release.");
    }

    /// <summary>
    /// The same bytes, not copied, as a payload that no credit is tied to. For who keeps them longer than the request lasts
    /// and calls exporters with them then: the holds of those calls would keep the request's credit. Takes over one reference.
    /// </summary>
    public Payload WithoutCredit() => new(this);

    /// <summary>Gives one reference back; with the last one the array returns to the pool and must not be touched again.</summary>
    public void Release()
    {
        var references = Interlocked.Decrement(ref _references);
        Debug.Assert(references >= 0, "A payload was released more often than referenced.");
        if (references == 0)
        {
            if (_origin is not null)
            {
                _origin.Release();
                return;
            }

            ReturnAllCredit();
            _gzip?.Release();
            _gzip = null;
            _pool.Return(this);
        }
    }

    /// <summary>Ties credit that was taken from <paramref name="budget"/> to this payload, with one hold of it. At most once per rental.</summary>
    public void AttachCredit(ByteBudget budget, long bytes)
    {
        Debug.Assert(_budget is null, "A payload carries one credit.");
        _budget = budget;
        Volatile.Write(ref _creditHolds, 1);
        Volatile.Write(ref _credit, bytes);
    }

    /// <summary>One more who must call <see cref="ReturnCredit"/> before the credit goes back: an exporter beside another, an attempt of several.</summary>
    public void HoldCredit() => Interlocked.Increment(ref _creditHolds);

    /// <summary>Ends one hold; with the last one the payload's stay on the request path ends. References (the tee's) are not affected.</summary>
    public void ReturnCredit()
    {
        if (Interlocked.Decrement(ref _creditHolds) == 0)
        {
            ReturnAllCredit();
        }
    }

    /// <summary>
    /// Hands this payload's in-flight credit to the one that takes its place on the request path (its tagged copy), and
    /// takes more for what that is longer. False, and everything as it was, when there is no room for that.
    /// </summary>
    public bool TryMoveCreditTo(Payload successor)
    {
        var credit = Volatile.Read(ref _credit);
        if (credit == 0)
        {
            return true;
        }

        var more = Math.Max(0, successor.Length - Length);
        if (more > 0 && !_budget!.TryGrow(credit, more))
        {
            return false;
        }

        Debug.Assert(Volatile.Read(ref _creditHolds) == 1, "Credit moves before it is shared.");
        Volatile.Write(ref _credit, 0);
        successor.AttachCredit(_budget!, credit + more);
        return true;
    }

    internal void Rent(int length)
    {
        _references = 1;
        _budget = null;
        _creditHolds = 0;
        ItemCount = 0;
        SetLength(length);
    }

    private void SetLength(int length)
    {
        _length = length;
        _array[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(_array.AsSpan(1), (uint)length);
    }

    private void ReturnAllCredit()
    {
        var credit = Interlocked.Exchange(ref _credit, 0);
        if (credit != 0)
        {
            _budget!.Return(credit);
        }
    }
}
