using System.Text;

namespace OtlpTap.Sinks;

/// <summary>The key of a webhook's signature, as it stands in its file. An empty one would sign for everybody.</summary>
internal static class WebhookSecret
{
    public const string Unusable = "is empty or larger than 64 KiB: the secret of the webhook is expected in it";

    // As an exporter's credentials: a device or a log in its place must not fill the memory.
    private const int BytesMax = 64 << 10;

    /// <summary>Null: there is none.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static string? Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[BytesMax + 1];
        var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length <= BytesMax && Encoding.UTF8.GetString(bytes, 0, length).Trim() is { Length: > 0 } secret ? secret : null;
    }
}
