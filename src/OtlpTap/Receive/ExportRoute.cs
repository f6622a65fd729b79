using Microsoft.AspNetCore.Http;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>From a request path to the signal it exports.</summary>
internal static class ExportRoute
{
    private static readonly string[] Paths =
        [ExportServiceNames.PathOf(Signal.Traces), ExportServiceNames.PathOf(Signal.Logs), ExportServiceNames.PathOf(Signal.Metrics)];

    public static bool TryFind(PathString path, out Signal signal)
    {
        var index = Array.IndexOf(Paths, path.Value);
        signal = (Signal)Math.Max(index, 0);
        return index >= 0;
    }
}
