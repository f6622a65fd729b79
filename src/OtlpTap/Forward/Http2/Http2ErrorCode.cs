namespace OtlpTap.Forward.Http2;

/// <summary>RFC 9113 section 7. A peer may send any other value; it is kept as it is.</summary>
internal enum Http2ErrorCode : uint
{
    None = 0,
    ProtocolError = 1,
    InternalError = 2,
    FlowControlError = 3,
    SettingsTimeout = 4,
    StreamClosed = 5,
    FrameSizeError = 6,
    RefusedStream = 7,
    Cancel = 8,
    CompressionError = 9,
    ConnectError = 10,
    EnhanceYourCalm = 11,
    InadequateSecurity = 12,
    Http11Required = 13,
}
