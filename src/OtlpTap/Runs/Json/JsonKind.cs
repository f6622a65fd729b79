namespace OtlpTap.Runs.Json;

internal enum JsonKind : byte
{
    /// <summary>There is no such value.</summary>
    None,
    Null,
    False,
    True,
    Number,
    Text,
    Array,
    Object,
}
