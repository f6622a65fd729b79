using System.Buffers.Binary;
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

    private const int RecentLength = 256;

    // Chosen names cannot be made to collide.
    private static readonly long Seed = (long)(ulong)RandomKey.Create();

    // Which came before under the same length and ends, to be found without a hash of all of it.
    private readonly (byte[]? Utf8, KnownName Known)[] _recent = new (byte[]?, KnownName)[RecentLength];
    private readonly Dictionary<byte[], KnownName> _names = new(Utf8Comparer.Instance);
    private readonly Dictionary<byte[], KnownName>.AlternateLookup<ReadOnlySpan<byte>> _lookup;

    public KnownNames() => _lookup = _names.GetAlternateLookup<ReadOnlySpan<byte>>();

    public KnownName Of(ReadOnlySpan<byte> utf8)
    {
        utf8 = utf8.Length > LengthMax ? Cut(utf8) : utf8;
        ref var recent = ref _recent[RecentPlaceOf(utf8)];
        if (recent.Utf8 is { } bytes && utf8.SequenceEqual(bytes))
        {
            return recent.Known;
        }

        var known = Find(utf8);
        recent = (known.Utf8, known);
        return known;
    }

    private KnownName Find(ReadOnlySpan<byte> utf8)
    {
        if (_lookup.TryGetValue(utf8, out var known))
        {
            return known;
        }

        if (_names.Count == NamesMax)
        {
            _names.Clear();
        }

        known = new KnownName(utf8.ToArray(), Encoding.UTF8.GetString(utf8));
        _names.Add(known.Utf8, known);
        return known;
    }

    private static int RecentPlaceOf(ReadOnlySpan<byte> utf8)
    {
        ulong ends = utf8.Length < sizeof(uint)
            ? utf8.Length == 0 ? 0u : utf8[^1]
            : BinaryPrimitives.ReadUInt32LittleEndian(utf8) | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(utf8[^sizeof(uint)..]) << 32);
        return (int)(((ends ^ (ulong)utf8.Length) * 0x9E3779B97F4A7C15UL) >> (64 - 8)); // RecentLength places
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
