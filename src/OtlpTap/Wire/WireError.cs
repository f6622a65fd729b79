namespace OtlpTap.Wire;

/// <summary>The ways in which bytes can fail to be a protobuf message; one member for each cause.</summary>
internal enum WireErrorKind : byte
{
    /// <summary>No error.</summary>
    None,

    /// <summary>A field tag is cut off by the end of its message.</summary>
    TagTruncated,

    /// <summary>A field tag does not fit into 32 bits. (The generated C# parser drops the bits above; those of Go and C++ refuse, and so do we.)</summary>
    TagTooLarge,

    /// <summary>A field has the number 0, which no schema can assign.</summary>
    FieldNumberZero,

    /// <summary>A field has wire type 6 or 7, which do not exist: its end cannot be known.</summary>
    WireTypeUnknown,

    /// <summary>A varint is cut off by the end of its message.</summary>
    VarintTruncated,

    /// <summary>A varint has more than the ten bytes that 64 bits need.</summary>
    VarintTooLong,

    /// <summary>The length of a length-delimited field is larger than what is left of its message.</summary>
    LengthPastEnd,

    /// <summary>A 4- or 8-byte value is cut off by the end of its message.</summary>
    FixedTruncated,

    /// <summary>A group ends that was never begun, or that encloses another one which is still open.</summary>
    GroupEndUnexpected,

    /// <summary>A group is not ended within its message.</summary>
    GroupUnclosed,

    /// <summary>Groups are nested more deeply than <see cref="ProtoReader.GroupDepthMax"/>.</summary>
    GroupTooDeep,
}

/// <summary>Why bytes were refused.</summary>
/// <param name="Offset">Of the tag, length or value that is wrong, counted from the start of the outermost message.</param>
internal readonly record struct WireError(WireErrorKind Kind, int Offset);
