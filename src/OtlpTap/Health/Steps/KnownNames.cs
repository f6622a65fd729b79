using System.IO.Hashing;
using System.Text;
using OtlpTap.Otlp;

namespace OtlpTap.Health.Steps;

/// <summary>
/// Names of services, agents, tools and models: the same few come again and again, and are made once. Who sends ever new
/// ones has the table emptied, which costs the others one string each. For one thread.
/// </summary>
internal sealed class KnownNames
{
    /// <summary>In bytes; what is longer is cut: nobody reads it on a dashboard, and it must not fill the memory.</summary>
    public const int LengthMax = 200;

    public const int NamesMax = 4096;

    // Chosen names cannot be made to collide.
    private static readonly long Seed = (long)(ulong)RandomKey.Create();

    private readonly Dictionary<byte[], KnownName> _names = new(Utf8Comparer.Instance);
    private readonly Dictionary<byte[], KnownName>.AlternateLookup<ReadOnlySpan<byte>> _lookup;

    public KnownNames() => _lookup = _names.GetAlternateLookup<ReadOnlySpan<byte>>();

    public KnownName Of(ReadOnlySpan<byte> utf8)
    {
        utf8 = utf8.Length > LengthMax ? Cut(utf8) : utf8;
        if (_lookup.TryGetValue(utf8, out var known))
        {
            return known;
        }

        if (_names.Count == NamesMax)
        {
            _names.Clear();
        }

        known = new KnownName(Encoding.UTF8.GetString(utf8));
        _lookup[utf8] = known;
        return known;
    }

    private static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> utf8)
    {
        var end = LengthMax;
        while (end > LengthMax - 4 && (utf8[end] & 0xc0) == 0x80)
        {
            end--;
        }

        return utf8[..end];
    }

    private sealed class Utf8Comparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly Utf8Comparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)XxHash3.HashToUInt64(alternate, Seed);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
