using System.Diagnostics.CodeAnalysis;

namespace OtlpTap.Runs.Json;

/// <summary>
/// One JSON text with a flat table of the values in it. What stands in attributes is seldom proven JSON: this reader
/// answers false instead of throwing, holds a bound on depth and number of values, and takes a text that was cut off
/// (backends and SDKs cut attributes) as far as it goes.
/// </summary>
internal sealed class JsonText
{
    private JsonText(string text, JsonEntry[] entries, bool isCut)
    {
        Text = text;
        Entries = entries;
        IsCut = isCut;
    }

    public string Text { get; }

    /// <summary>The text ended before its outermost value did.</summary>
    public bool IsCut { get; }

    public JsonValue Root => new(this, 0);

    internal JsonEntry[] Entries { get; }

    /// <summary>False when it is no JSON, or is beyond a limit.</summary>
    public static bool TryRead(string text, RunLimits limits, [NotNullWhen(true)] out JsonText? json)
    {
        var scanner = new JsonScanner(text, limits.JsonDepthMax, limits.JsonValuesMax);
        if (scanner.TryScan(out var isCut))
        {
            json = new JsonText(text, scanner.Entries, isCut);
            return true;
        }

        json = null;
        return false;
    }

    /// <summary>As <see cref="TryRead"/>, of texts that look like an object, a list or a quoted text, whole to their end.</summary>
    public static bool TryReadWhole(string text, RunLimits limits, [NotNullWhen(true)] out JsonText? json)
    {
        json = null;
        return Encloses(text) && TryRead(text, limits, out json) && !json.IsCut;
    }

    private static bool Encloses(string text)
    {
        var trimmed = text.AsSpan().Trim();
        return trimmed.Length >= 2 && (trimmed[0], trimmed[^1]) is ('{', '}') or ('[', ']') or ('"', '"');
    }
}
