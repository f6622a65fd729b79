using System.Text.Json;
using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>How a field's value looks in both forms.</summary>
internal enum OtlpJsonType : byte
{
    /// <summary>A message; an object.</summary>
    Message,

    /// <summary>UTF-8 text; a string.</summary>
    String,

    /// <summary>Bytes; a string in base64.</summary>
    Bytes,

    /// <summary>The bytes of a trace or span id; a string in lower-case hex.</summary>
    HexId,

    /// <summary>A varint; true or false.</summary>
    Bool,

    /// <summary>A varint of 32 signed bits; a number, never a name.</summary>
    Enum,

    /// <summary>A varint; a number.</summary>
    UInt32,

    /// <summary>A zigzag varint; a number.</summary>
    SInt32,

    /// <summary>Four bytes; a number.</summary>
    Fixed32,

    /// <summary>A varint; a string of decimal digits, as JSON's numbers are exact to 53 bits only.</summary>
    Int64,

    /// <summary>A varint; a string of decimal digits.</summary>
    UInt64,

    /// <summary>Eight bytes; a string of decimal digits.</summary>
    Fixed64,

    /// <summary>Eight bytes, signed; a string of decimal digits.</summary>
    SFixed64,

    /// <summary>Eight bytes; a number, or one of the strings NaN, Infinity and -Infinity.</summary>
    Double,
}

/// <summary>How often a field comes, and whether its zero value differs from its absence.</summary>
internal enum OtlpJsonCardinality : byte
{
    /// <summary>Zero is absent. (Of a message: an empty one differs from none.)</summary>
    Singular,

    /// <summary>Zero differs from absent (<c>optional</c>).</summary>
    Optional,

    /// <summary>As optional, and the message's only <c>oneof</c> holds it: the last member that comes is the one that counts.</summary>
    OneOf,

    /// <summary>An array. Numbers lie packed in one field, or each in a field of its own; both are read.</summary>
    Repeated,
}

/// <summary>One row of <see cref="OtlpJsonSchema"/>.</summary>
internal sealed class OtlpJsonField
{
    private readonly JsonEncodedText _name;
    private readonly Func<OtlpJsonMessage>? _child;

    public OtlpJsonField(int number, string name, OtlpJsonType type, OtlpJsonCardinality cardinality, Func<OtlpJsonMessage>? child = null)
    {
        Number = number;
        Type = type;
        Cardinality = cardinality;
        _name = JsonEncodedText.Encode(name);
        _child = child;
        WireType = WireTypeOf(type);
        Tag = ProtoWriter.TagOf(number, IsPackable ? WireType.LengthDelimited : WireType);
    }

    public int Number { get; }

    public OtlpJsonType Type { get; }

    public OtlpJsonCardinality Cardinality { get; }

    public JsonEncodedText Name => _name;

    /// <summary>Of a single value.</summary>
    public WireType WireType { get; }

    /// <summary>What a writer puts before the value, or before all values when they are packed.</summary>
    public uint Tag { get; }

    public bool IsRepeated => Cardinality == OtlpJsonCardinality.Repeated;

    public bool IsPackable => IsRepeated && WireType != WireType.LengthDelimited;

    /// <summary>The type of a field of type <see cref="OtlpJsonType.Message"/>. Asked for, not stored, as AnyValue holds itself.</summary>
    public OtlpJsonMessage Child => _child!();

    /// <summary>Whether a value of this wire type is one of this field; if not, protobuf takes it for an unknown field.</summary>
    public bool Accepts(WireType wireType) => wireType == WireType || (wireType == WireType.LengthDelimited && IsPackable);

    private static WireType WireTypeOf(OtlpJsonType type) => type switch
    {
        OtlpJsonType.Message or OtlpJsonType.String or OtlpJsonType.Bytes or OtlpJsonType.HexId => WireType.LengthDelimited,
        OtlpJsonType.Fixed32 => WireType.Fixed32,
        OtlpJsonType.Fixed64 or OtlpJsonType.SFixed64 or OtlpJsonType.Double => WireType.Fixed64,
        _ => WireType.Varint,
    };
}
