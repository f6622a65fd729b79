namespace OtlpTap.Otlp;

/// <summary>Why a document was refused.</summary>
/// <param name="Message">For the sender: the path of the field, unless the JSON itself is broken, and what is wrong. Holds none of the document's values.</param>
/// <param name="ByteOffset">From the start of the document, to the token that is wrong.</param>
internal readonly record struct OtlpJsonError(string Message, long ByteOffset)
{
    /// <summary>Whether the text is no JSON at all; then no field is named.</summary>
    public bool IsBrokenJson { get; init; }
}
