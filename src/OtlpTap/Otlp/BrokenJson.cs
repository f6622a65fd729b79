using System.Text.Json;

namespace OtlpTap.Otlp;

/// <summary>What is wrong with JSON and where, for who sent it: the library's sentences speak of its own parameters, and of lines.</summary>
internal static class BrokenJson
{
    private static ReadOnlySpan<byte> Blanks => " \t\r\n"u8;

    /// <summary>As in "it ends too early (byte 12)".</summary>
    public static string Describe(ReadOnlySpan<byte> json, JsonException broken) =>
        json.Trim(Blanks).IsEmpty ? ReasonOf(json, broken) : $"{ReasonOf(json, broken)} (byte {OffsetOf(json, broken)})";

    /// <summary>The same without the place.</summary>
    public static string ReasonOf(ReadOnlySpan<byte> json, JsonException broken)
    {
        var text = json.TrimEnd(Blanks);
        if (text.IsEmpty)
        {
            return "it is empty";
        }

        if (OffsetOf(json, broken) >= text.Length || broken.Message.Contains("reached end of data", StringComparison.Ordinal))
        {
            return "it ends too early";
        }

        // Behind its sentence the library says line and byte.
        var end = broken.Message.IndexOf(" LineNumber: ", StringComparison.Ordinal);
        return (end < 0 ? broken.Message : broken.Message[..end]).TrimEnd('.');
    }

    /// <summary>The exception counts lines and, from the last line feed, bytes.</summary>
    public static int OffsetOf(ReadOnlySpan<byte> json, JsonException broken)
    {
        var lineStart = 0;
        for (var lines = broken.LineNumber ?? 0; lines > 0; lines--)
        {
            lineStart += json[lineStart..].IndexOf((byte)'\n') + 1;
        }

        return (int)Math.Min(lineStart + (broken.BytePositionInLine ?? 0), json.Length);
    }
}
