namespace OtlpTap.Rules;

/// <summary>The kinds of value an OTLP <c>AnyValue</c> or a span field can have; <see cref="Missing"/> is the default.</summary>
internal enum SlotKind : byte
{
    Missing,
    Empty,
    String,
    Bool,
    Int,
    Double,
    Bytes,
    List,
    Map,
}

/// <summary>
/// One value that some rule asks for, as the scan found it. Strings, bytes, lists and maps stay where they are in the
/// request: <see cref="Offset"/> and <see cref="Length"/> point at their bytes (of a list or map: the serialized
/// <c>ArrayValue</c> or <c>KeyValueList</c>). Bool, int and double are in <see cref="Bits"/> (a double by its bit pattern).
/// </summary>
internal struct Slot
{
    public SlotKind Kind;
    public int Offset;
    public int Length;
    public long Bits;
}
