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

    // Credit in the in-flight budget: given back once, by whoever ends the request path or, at the latest, with the last reference.
    private ByteBudget? _budget;
    private long _credit;

    internal Payload(PayloadPool pool, byte[] array)
    {
        _pool = pool;
        _array = array;
    }

    public int Length => _length;

    /// <summary>The message bytes, without the frame header.</summary>
    public ReadOnlyMemory<byte> Message => _array.AsMemory(FrameHeaderLength, _length);

    public ReadOnlySpan<byte> Span => _array.AsSpan(FrameHeaderLength, _length);

    /// <summary>Frame header and message, ready for the wire, uncompressed.</summary>
    public ReadOnlyMemory<byte> Frame => _array.AsMemory(0, FrameHeaderLength + _length);

    /// <summary>For the renter alone, before the payload is shared.</summary>
    public Span<byte> Writable => _array.AsSpan(FrameHeaderLength, _length);

    internal int Capacity => _array.Length;

    public void AddReference()
    {
        var references = Interlocked.Increment(ref _references);
        Debug.Assert(references > 1, "A payload was referenced after its last release.");
    }

    /// <summary>Gives one reference back; with the last one the array returns to the pool and must not be touched again.</summary>
    public void Release()
    {
        var references = Interlocked.Decrement(ref _references);
        Debug.Assert(references >= 0, "A payload was released more often than referenced.");
        if (references == 0)
        {
            ReturnCredit();
            _pool.Return(this);
        }
    }

    /// <summary>Ties credit that was taken from <paramref name="budget"/> to this payload. At most once per rental.</summary>
    public void AttachCredit(ByteBudget budget, long bytes)
    {
        Debug.Assert(_budget is null, "A payload carries one credit.");
        _budget = budget;
        Volatile.Write(ref _credit, bytes);
    }

    /// <summary>Ends the payload's stay on the request path; later calls do nothing. References (the tee's) are not affected.</summary>
    public void ReturnCredit()
    {
        var credit = Interlocked.Exchange(ref _credit, 0);
        if (credit != 0)
        {
            _budget!.Return(credit);
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

        Volatile.Write(ref _credit, 0);
        successor.AttachCredit(_budget!, credit + more);
        return true;
    }

    internal void Rent(int length)
    {
        _length = length;
        _references = 1;
        _budget = null;
        _array[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(_array.AsSpan(1), (uint)length);
    }
}
