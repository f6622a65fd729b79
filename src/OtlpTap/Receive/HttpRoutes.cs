using System.Collections.Frozen;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>From the path of an OTLP/HTTP request to the signal it exports: whole paths, and those with a configured prefix.</summary>
internal sealed class HttpRoutes
{
    private const string AnyPrefix = "*";

    private readonly FrozenDictionary<string, Signal> _paths;
    private readonly (string Path, Signal Signal)[] _endings = [];

    public HttpRoutes(HttpPaths options)
    {
        (string Path, Signal Signal)[] own = [(options.Traces, Signal.Traces), (options.Logs, Signal.Logs), (options.Metrics, Signal.Metrics)];
        var paths = new Dictionary<string, Signal>(StringComparer.Ordinal);
        foreach (var (path, signal) in own)
        {
            paths[path] = signal;
            foreach (var prefix in options.Prefixes.Where(prefix => prefix != AnyPrefix))
            {
                paths[prefix.TrimEnd('/') + path] = signal;
            }
        }

        _paths = paths.ToFrozenDictionary(StringComparer.Ordinal);
        if (options.Prefixes.Contains(AnyPrefix))
        {
            // The longest first: where one path ends with another, it is the one meant.
            _endings = [.. own.OrderByDescending(route => route.Path.Length)];
        }
    }

    public bool TryFind(string? path, out Signal signal)
    {
        signal = default;
        if (path is null)
        {
            return false;
        }

        if (_paths.TryGetValue(path, out signal))
        {
            return true;
        }

        foreach (var ending in _endings)
        {
            if (path.EndsWith(ending.Path, StringComparison.Ordinal))
            {
                signal = ending.Signal;
                return true;
            }
        }

        return false;
    }
}
