namespace OtlpTap.Otlp;

/// <summary>
/// <c>processors.tap.on_invalid</c>: what becomes of a span, log record or data point that breaks the OTLP data model (a string
/// that is no UTF-8, an id of the wrong length or of zeros), in a message that is well-formed protobuf all the same.
/// </summary>
internal enum OnInvalid : byte
{
    /// <summary>It goes on as it came: the backend decides.</summary>
    Relay,

    /// <summary>It alone is taken out, and told to the sender as <c>partial_success</c>.</summary>
    RejectItem,

    /// <summary>What can be mended is (U+FFFD for what is no UTF-8, an invalid parent or link left out); what cannot be is taken out.</summary>
    Repair,
}
