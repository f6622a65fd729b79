namespace OtlpTap.Forward.Http2;

/// <summary>
/// How many bytes of DATA may still go one way (RFC 9113 section 5.2). Below zero after the peer has shrunk its initial
/// window under a stream that had already used more.
/// </summary>
internal struct FlowWindow(int size)
{
    public const int Initial = 65_535;
    public const int Max = int.MaxValue;

    public int Size { get; private set; } = size;

    public void Take(int bytes) => Size -= bytes;

    /// <summary>False, and nothing changed, when the window would leave the range of 31 bits. <paramref name="bytes"/> may be negative.</summary>
    public bool TryAdd(int bytes)
    {
        var size = (long)Size + bytes;
        if (size is > Max or < -Max)
        {
            return false;
        }

        Size = (int)size;
        return true;
    }
}
