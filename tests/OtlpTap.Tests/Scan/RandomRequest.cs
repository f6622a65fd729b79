using static OtlpTap.Tests.WireBytes;

namespace OtlpTap.Tests.Scan;

/// <summary>
/// Random but valid trace requests in every form that protobuf allows: fields in any order, singular fields and
/// messages more than once, known numbers with another wire type, unknown fields and groups, padded lengths and
/// tags. Few keys and values, so that the oracle's conditions are true often. The same seed makes the same bytes.
/// </summary>
internal sealed class RandomRequest(int seed)
{
    private static readonly string[] Keys = ["a", "b", "c", "service.name", "otlptap.failure", "a.much.longer.key.that.nobody.asks.for", ""];
    private static readonly string[] Texts = ["x", "x", "y", "", "a text that is longer than sixteen bytes"];

    private readonly Random _random = new(seed);

    // In one half of the requests everything is as SDKs write it but for the contents.
    private readonly bool _odd = seed % 2 == 1;

    public byte[] ToBytes() => Message(Many(3, () => Field(1, ResourceSpans())));

    private byte[] ResourceSpans() => Message(
        [.. Singular(() => Field(1, Resource())), .. Many(3, () => Field(2, ScopeSpans())), .. Singular(() => Field(3, Text()))]);

    private byte[] Resource() => Message([.. Many(4, () => Field(1, Attribute())), .. Singular(() => VarintField(2, Number()))]);

    private byte[] ScopeSpans() => Message(
        [.. Singular(() => Field(1, Scope())), .. Many(4, () => Field(2, Span())), .. Singular(() => Field(3, Text()))]);

    private byte[] Scope() => Message(
        [.. Singular(() => Field(1, Text())), .. Singular(() => Field(2, Text())), .. Many(2, () => Field(3, Attribute()))]);

    private byte[] Span() => Message(
    [
        .. Singular(() => Field(1, Id(16))),
        .. Singular(() => Field(2, Id(8))),
        .. Singular(() => Field(4, Id(8))),
        .. Singular(() => Field(5, Text())),
        .. Singular(() => VarintField(6, (ulong)_random.Next(2, 5))),
        [.. Varint((7 << 3) | 1), .. new byte[8]],
        .. Many(6, () => Field(9, Attribute())),
        .. Many(3, () => Field(11, Event())),
        .. Many(1, () => Field(13, Message([Field(1, Id(16))]))),
        .. Singular(() => Field(15, Status())),
        .. Singular(() => [.. Varint((16 << 3) | 5), 1, 1, 0, 0]),
    ]);

    private byte[] Status() => Message([.. Singular(() => Field(2, Text())), .. Singular(() => VarintField(3, (ulong)_random.Next(3)))]);

    private byte[] Event() => Message([.. Singular(() => Field(2, Text())), .. Many(3, () => Field(3, Attribute()))]);

    private byte[] Attribute() => Message([.. Singular(() => Field(1, Key())), .. Singular(() => Field(2, Value()))]);

    private byte[] Value() => Message([.. Singular(() => _random.Next(7) switch
    {
        0 => VarintField(2, (ulong)_random.Next(2)),
        1 => VarintField(3, (ulong)_random.Next(3)),
        2 => Field(5, Field(1, Field(1, Text()))),
        _ => Field(1, Text()),
    })]);

    private byte[] Key() => System.Text.Encoding.UTF8.GetBytes(Keys[_random.Next(Keys.Length)]);

    private byte[] Text() => System.Text.Encoding.UTF8.GetBytes(Texts[_random.Next(Texts.Length)]);

    private ulong Number() => (ulong)_random.Next(1 << 28);

    private byte[] Id(int length)
    {
        var id = new byte[_random.Next(20) == 0 ? _random.Next(20) : length];
        id.AsSpan()[..Math.Min(1, id.Length)].Fill((byte)_random.Next(3));
        return id;
    }

    private byte[][] Many(int countMax, Func<byte[]> make) => [.. Enumerable.Range(0, _random.Next(countMax + 1)).Select(_ => make())];

    /// <summary>Mostly once; at times not at all; in odd requests at times several times.</summary>
    private byte[][] Singular(Func<byte[]> make)
    {
        var count = _random.Next(8) switch { 0 => 0, 1 when _odd => 2, 2 when _odd => 3, _ => 1 };
        return [.. Enumerable.Range(0, count).Select(_ => make())];
    }

    private byte[] Message(byte[][] fields)
    {
        if (!_odd)
        {
            return Join(fields);
        }

        var all = fields.ToList();
        if (_random.Next(6) == 0)
        {
            all.Add(Unknown());
        }

        var array = all.ToArray();
        if (_random.Next(2) == 0)
        {
            _random.Shuffle(array);
        }

        return Join(array);
    }

    // Padded to at most four bytes, so that what has more is known to be the work of a mutation.
    private byte[] Field(int number, byte[] value) => _odd && _random.Next(8) == 0
        ? [.. PaddedVarint(((ulong)number << 3) | 2, _random.Next(2, 5)), .. PaddedVarint((ulong)value.Length, _random.Next(3, 5)), .. value]
        : WireBytes.Field(number, value);

    private byte[] Unknown() => _random.Next(5) switch
    {
        0 => VarintField(_random.Next(1, 20) + 100, Number()),
        1 => Group(_random.Next(1, 20), VarintField(1, 1), Group(2, WireBytes.Field(3, "x"))),
        2 => WireBytes.Field(1000, "deprecated"),
        3 => [.. Varint((ulong)_random.Next(1, 20) << 3 | 5), 1, 2, 3, 4],
        _ => [.. Varint((99 << 3) | 1), 1, 2, 3, 4, 5, 6, 7, 8],
    };
}
