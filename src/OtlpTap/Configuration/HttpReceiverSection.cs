using System.Collections.Immutable;
using OtlpTap.Receive;

namespace OtlpTap.Configuration;

/// <summary><c>receivers.otlp.protocols.http</c>.</summary>
internal static class HttpReceiverSection
{
    public static HttpReceiverOptions Read(Section http, Extensions extensions)
    {
        var defaults = new HttpReceiverOptions();
        var options = new HttpReceiverOptions
        {
            Endpoint = ListenerSection.ReadAddress(http, defaults.Endpoint),
            Tls = ServerTlsSection.Read(http),
            Authenticator = ListenerSection.ReadAuthenticator(http, extensions),
            MaxRequestBodyBytes = http.Number("max_request_body_size", defaults.MaxRequestBodyBytes, 1 << 10, 1 << 30),
            Paths = ReadPaths(http),
            Cors = ReadCors(http),
            ResponseHeaders = ListenerSection.ReadHeaders(http, "response_headers"),
            CompressionAlgorithms = ReadCompressionAlgorithms(http, defaults.CompressionAlgorithms),
            ReadHeaderTimeout = http.Duration("read_header_timeout", defaults.ReadHeaderTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            IdleTimeout = http.Duration("idle_timeout", defaults.IdleTimeout, TimeSpan.Zero, TimeSpan.FromDays(7)),
            KeepAlivesEnabled = http.Flag("keep_alives_enabled", defaults.KeepAlivesEnabled),
            MaxConcurrentStreams = http.Number("max_concurrent_streams", defaults.MaxConcurrentStreams, 1, 65_536),
        };

        IncludeMetadata.Read(http);
        http.Ignore(["read_timeout"], "a request has the time that its length explains");
        http.Ignore(["write_timeout"], "an answer has the time that the upstream takes");
        http.Refuse(["middlewares"], "the tap has no middlewares: remove it");
        http.RefuseUnknownKeys();
        return options;
    }

    private static HttpPaths ReadPaths(Section http)
    {
        var defaults = new HttpPaths();
        var paths = new HttpPaths
        {
            Traces = ReadPath(http, "traces_url_path", defaults.Traces),
            Logs = ReadPath(http, "logs_url_path", defaults.Logs),
            Metrics = ReadPath(http, "metrics_url_path", defaults.Metrics),
            Feedback = ReadPath(http, "feedback_url_path", defaults.Feedback),
            Prefixes = ReadPrefixes(http),
        };
        ReportSame(http, "logs_url_path", paths.Logs, paths.Traces);
        ReportSame(http, "metrics_url_path", paths.Metrics, paths.Traces);
        ReportSame(http, "metrics_url_path", paths.Metrics, paths.Logs);
        foreach (var signal in new[] { paths.Traces, paths.Logs, paths.Metrics })
        {
            ReportSame(http, "feedback_url_path", paths.Feedback, signal);
        }

        return paths;
    }

    // The Collector puts a slash before a path that has none.
    private static string ReadPath(Section http, string key, string byDefault)
    {
        var path = http.Text(key, byDefault);
        path = path.StartsWith('/') ? path : $"/{path}";
        if (!IsPath(path) || path == "/")
        {
            http.Error(key, $"`{path}` is no path such as `{byDefault}`");
            return byDefault;
        }

        return path;
    }

    private static void ReportSame(Section http, string key, string path, string other)
    {
        if (path == other)
        {
            http.Error(key, $"`{path}` is the path of another signal already");
        }
    }

    private static ImmutableArray<string> ReadPrefixes(Section http)
    {
        const string Key = "url_path_prefixes";
        var prefixes = ImmutableArray.CreateBuilder<string>();
        var texts = http.TextList(Key) ?? [];
        for (var i = 0; i < texts.Length; i++)
        {
            var prefix = texts[i].Text == "*" ? "*" : texts[i].Text.TrimEnd('/');
            if (prefix != "*" && (!prefix.StartsWith('/') || !IsPath(prefix)))
            {
                http.Problems.Error(texts[i].Mark, $"{http.PathOf(Key)}[{i}]", $"`{texts[i].Text}` is no prefix: `/otlp`, or `*` for any");
            }
            else if (!prefixes.Contains(prefix))
            {
                prefixes.Add(prefix);
            }
        }

        return prefixes.ToImmutable();
    }

    private static bool IsPath(string path) =>
        path.All(character => char.IsAsciiLetterOrDigit(character) || "/-._~!$&'()*+,;=:@%".Contains(character, StringComparison.Ordinal)) && !path.Contains("//", StringComparison.Ordinal);

    private static CorsOptions? ReadCors(Section http)
    {
        const string Origins = "allowed_origins";
        if (http.OptionalMap("cors") is not { } cors)
        {
            return null;
        }

        var origins = cors.TextList(Origins) ?? [];
        for (var i = 0; i < origins.Length; i++)
        {
            if (origins[i].Text.Count(character => character == '*') > 1)
            {
                cors.Problems.Error(origins[i].Mark, $"{cors.PathOf(Origins)}[{i}]", $"`{origins[i].Text}` has more than one `*`");
            }
        }

        var options = new CorsOptions
        {
            AllowedOrigins = [.. origins.Select(origin => origin.Text)],
            AllowedHeaders = [.. (cors.TextList("allowed_headers") ?? []).Select(header => header.Text)],
            ExposedHeaders = [.. (cors.TextList("exposed_headers") ?? []).Select(header => header.Text)],
            MaxAgeSeconds = cors.Number("max_age", 0, 0, int.MaxValue),
        };
        if (origins.Length == 0)
        {
            cors.Problems.Warning(cors.Mark, cors.PathOf(Origins), "names no origin: browsers are refused as without `cors`");
        }

        cors.RefuseUnknownKeys();
        return options;
    }

    private static ImmutableArray<string> ReadCompressionAlgorithms(Section http, ImmutableArray<string> byDefault)
    {
        const string Key = "compression_algorithms";
        if (http.TextList(Key, byDefault) is not { } texts)
        {
            return byDefault;
        }

        var algorithms = ImmutableArray.CreateBuilder<string>();
        for (var i = 0; i < texts.Length; i++)
        {
            var algorithm = texts[i].Text;
            if (!byDefault.Contains(algorithm))
            {
                http.Problems.Error(texts[i].Mark, $"{http.PathOf(Key)}[{i}]", $"`{algorithm}` is not decompressed here: there are {string.Join(", ", byDefault.Select(each => each.Length == 0 ? "\"\" (none)" : each))}");
            }
            else if (!algorithms.Contains(algorithm))
            {
                algorithms.Add(algorithm);
            }
        }

        return algorithms.ToImmutable();
    }
}
