using System.Text;

namespace OtlpTap.Spans;

/// <summary>Keys, beside those that have a place in a frame, whose mere presence is noted: by their start, or whole.</summary>
internal sealed class WatchedKeys
{
    public static readonly WatchedKeys None = new([], []);

    private readonly byte[][] _starts;
    private readonly byte[][] _names;
    private readonly bool[] _firsts = new bool[256];
    private readonly ulong _lengths;

    public WatchedKeys(IEnumerable<string> starts, IEnumerable<string> names)
    {
        _starts = [.. starts.Select(Encoding.UTF8.GetBytes)];
        _names = [.. names.Where(name => name.Length > 0).Select(Encoding.UTF8.GetBytes)];
        foreach (var start in _starts)
        {
            _firsts[start[0]] = true;
        }

        foreach (var name in _names)
        {
            _lengths |= LengthBit(name.Length);
        }
    }

    /// <summary>Most keys are turned away by their first byte and their length.</summary>
    public bool Has(ReadOnlySpan<byte> key) =>
        !key.IsEmpty && ((_firsts[key[0]] && Starts(key)) || ((_lengths & LengthBit(key.Length)) != 0 && IsOne(key)));

    private bool Starts(ReadOnlySpan<byte> key)
    {
        foreach (var start in _starts)
        {
            if (key.StartsWith(start))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsOne(ReadOnlySpan<byte> key)
    {
        foreach (var name in _names)
        {
            if (key.SequenceEqual(name))
            {
                return true;
            }
        }

        return false;
    }

    private static ulong LengthBit(int length) => 1UL << Math.Min(length, 63);
}
