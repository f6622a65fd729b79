namespace OtlpTap.Recorder;

/// <summary>The recorder's directory cannot be used by this process; the message is for the operator.</summary>
internal sealed class RecorderException(string message, Exception inner) : Exception(message, inner);
