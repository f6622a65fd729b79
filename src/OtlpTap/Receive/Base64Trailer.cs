namespace OtlpTap.Receive;

/// <summary>
/// Values of binary trailers. gRPC implementations send base64 with or without padding
/// (gRPC over HTTP/2, "Binary-Header": receivers must accept both).
/// </summary>
internal static class Base64Trailer
{
    /// <summary>False for what is no base64; the upstream's status then travels without that detail.</summary>
    public static bool TryDecode(string text, out byte[] bytes)
    {
        var padding = (4 - (text.Length & 3)) & 3;
        var padded = padding is 0 or 3 ? text : text + new string('=', padding);
        bytes = new byte[padded.Length / 4 * 3];
        if (!Convert.TryFromBase64String(padded, bytes, out var length))
        {
            bytes = [];
            return false;
        }

        Array.Resize(ref bytes, length);
        return true;
    }
}
