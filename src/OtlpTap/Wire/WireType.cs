namespace OtlpTap.Wire;

/// <summary>The low three bits of a field tag (https://protobuf.dev/programming-guides/encoding/#structure).</summary>
internal enum WireType : byte
{
    Varint = 0,
    Fixed64 = 1,
    LengthDelimited = 2,
    StartGroup = 3,
    EndGroup = 4,
    Fixed32 = 5,
}
