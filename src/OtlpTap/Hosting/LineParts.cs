using OtlpTap.Buffers;
using OtlpTap.Causes;
using OtlpTap.Metrics;
using OtlpTap.Scan;

namespace OtlpTap.Hosting;

/// <summary>What stays while lines come and go.</summary>
internal sealed record LineParts(TapMetrics Metrics, PayloadPool Payloads, ByteBudget InFlight, ScanResultPool Scans, CauseMarker Causes, Tee.Tee Tee, TimeProvider Time, ILoggerFactory Logs);
