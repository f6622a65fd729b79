namespace OtlpTap.Forward.Http2;

/// <summary>What a peer did that ends the connection, with the code it is told in GOAWAY; the default value is none.</summary>
internal readonly record struct Violation(Http2ErrorCode Code, string Reason)
{
    public static Violation None => default;

    public bool IsNone => Code == Http2ErrorCode.None;

    public static Violation Protocol(string reason) => new(Http2ErrorCode.ProtocolError, reason);

    public static Violation FrameSize(string reason) => new(Http2ErrorCode.FrameSizeError, reason);

    public static Violation FlowControl(string reason) => new(Http2ErrorCode.FlowControlError, reason);

    public static Violation Compression(string reason) => new(Http2ErrorCode.CompressionError, reason);

    public static Violation Flood(string reason) => new(Http2ErrorCode.EnhanceYourCalm, reason);
}
