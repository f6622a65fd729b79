using Microsoft.Extensions.Logging;
using OtlpTap.Otlp;

namespace OtlpTap.Detectors;

internal static partial class DetectorsLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "detector {Detector} failed on trace {TraceId}")]
    public static partial void DetectorFailed(this ILogger logger, string detector, TraceId traceId, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "trace {TraceId} could not be examined by the detectors")]
    public static partial void ExaminationFailed(this ILogger logger, TraceId traceId, Exception exception);
}
