using OtlpTap.Buffers;
using OtlpTap.Otlp;
using OtlpTap.Scan;

namespace OtlpTap.Tee;

/// <summary>
/// One request behind the tee. Whoever reads it owns one reference to <see cref="Payload"/> and all of
/// <see cref="Scan"/>, and gives both back: the scan to its pool, the rest through <see cref="Tee.Return"/>.
/// </summary>
/// <param name="ReceivedTimestamp"><see cref="TimeProvider.GetTimestamp"/> when the request's last byte was there.</param>
/// <param name="Recorded">Somebody waits for the bytes to be in the recorder; null when an upstream gives the answer.</param>
/// <param name="Credit">What the item was charged. Kept, because the scan may be given back, and grow, before the item is.</param>
internal readonly record struct TeeItem(
    Signal Signal,
    Payload Payload,
    ScanResult Scan,
    long ReceivedTimestamp,
    RecordedSignal? Recorded,
    long Credit);
