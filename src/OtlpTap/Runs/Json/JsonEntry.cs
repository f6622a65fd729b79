namespace OtlpTap.Runs.Json;

/// <summary>A value in the table of a <see cref="JsonText"/>; its children follow it, each with what is in it.</summary>
/// <param name="Start">Where it starts in the text; of a text behind the quote.</param>
/// <param name="End">Behind its last character; of a text the closing quote.</param>
/// <param name="Next">The index of the value behind this one and all that is in it.</param>
internal record struct JsonEntry(int Start, int End, int Next, int NameStart, int NameEnd, JsonKind Kind, bool IsEscaped, bool IsNameEscaped);
