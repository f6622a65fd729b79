namespace OtlpTap.Forward.Spool;

/// <summary>The spool cannot be opened, and the tap does not start: the message names the directory or the file, and says why.</summary>
internal sealed class SpoolException(string message, Exception? cause = null) : Exception(message, cause);
