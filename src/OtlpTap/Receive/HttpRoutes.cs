using System.Collections.Frozen;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>From the path of an OTLP/HTTP request to the signal it exports, or to feedback: whole paths, and those with a configured prefix.</summary>
internal sealed class HttpRoutes
{
    private const string AnyPrefix = "*";

    private readonly FrozenDictionary<string, Signal> _paths;
    private readonly (string Path, Signal Signal)[] _endings = [];
    private readonly FrozenSet<string> _feedback;
    private readonly string? _feedbackEnding;

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
        _feedback = options.Prefixes.Where(prefix => prefix != AnyPrefix).Select(prefix => prefix.TrimEnd('/') + options.Feedback).Append(options.Feedback).ToFrozenSet(StringComparer.Ordinal);
        if (options.Prefixes.Contains(AnyPrefix))
        {
            // The longest first: where one path ends with another, it is the one meant.
            _feedbackEnding = options.Feedback;
            _endings = [.. own.OrderByDescending(route => route.Path.Length)];
        }
    }

    public bool IsFeedback(string? path) =>
        path is not null && (_feedback.Contains(path) || (_feedbackEnding is not null && path.EndsWith(_feedbackEnding, StringComparison.Ordinal))) && !TryFind(path, out _);

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
