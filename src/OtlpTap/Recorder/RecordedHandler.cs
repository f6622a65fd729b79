using OtlpTap.Tee;

namespace OtlpTap.Recorder;

/// <summary>
/// Told of each request after it was recorded (or could not be), on the recorder's thread: be quick. The item is lent for
/// the call; what is needed later is copied.
/// </summary>
internal delegate void RecordedHandler(in TeeItem item);
