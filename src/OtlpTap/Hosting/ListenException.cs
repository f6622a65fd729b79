namespace OtlpTap.Hosting;

/// <summary>A listener cannot be opened; the message names the endpoint, or the key and the file, and the reason.</summary>
internal sealed class ListenException(string message, Exception? cause = null) : Exception(message, cause);
