using System.Collections.Immutable;
using OtlpTap.Forward;
using OtlpTap.Judges;
using OtlpTap.Sinks;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.corpus.sinks</c>.</summary>
internal static class SinkSection
{
    public static ImmutableArray<SinkOptions> Read(Section corpus, string key)
    {
        var sinks = ImmutableArray.CreateBuilder<SinkOptions>();
        foreach (var section in corpus.MapOrMaps(key))
        {
            if (ReadSink(section) is not { } sink)
            {
                continue;
            }

            if (sinks.Any(other => other.Name == sink.Name))
            {
                section.Error("name", $"`{sink.Name}` is the name of a sink before this one");
            }

            sinks.Add(sink);
        }

        return sinks.ToImmutable();
    }

    private static SinkOptions? ReadSink(Section section)
    {
        var kind = section.Choice("type", SinkKind.OtlpHttp, [("otlp_http", SinkKind.OtlpHttp), ("otlp_grpc", SinkKind.OtlpGrpc), ("file", SinkKind.File), ("webhook", SinkKind.Webhook)]);
        var endpoint = section.Text("endpoint");
        var defaults = new SinkOptions { Name = kind switch { SinkKind.File => "file", SinkKind.Webhook => "webhook", SinkKind.OtlpGrpc => "otlp_grpc", _ => "otlp_http" }, Kind = kind };
        var options = defaults with
        {
            Name = section.Text("name") is { Length: > 0 } name ? name : defaults.Name,
            Connection = ClientSection.ReadHeadersAndTls(section, defaults.Connection),
            Path = section.Text("path") ?? "",
            FileBytesMax = section.Mebibytes("max_size_mib", defaults.FileBytesMax, 0, 1 << 20),
            FilesMax = section.Number("max_files", defaults.FilesMax, 1, 10_000),
            SecretFile = TlsFiles.ReadFile(section, "secret_file"),
            Timeout = section.Duration("timeout", defaults.Timeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            QueueBytesMax = section.Mebibytes("max_queue_mib", defaults.QueueBytesMax, 1, 4096),
            Redact = section.Flag("redact", defaults.Redact),
        };
        section.RefuseUnknownKeys();
        if (!AnswerText.IsKind(options.Name))
        {
            section.Error("name", $"up to {RuleSection.NameLengthMax} letters, digits, `_`, `-` and `.` are expected here: it becomes a label");
        }

        RefuseKeysOfOthers(section, kind);
        CheckSecret(section, options);
        return kind switch
        {
            SinkKind.File => CheckFile(section, options),
            SinkKind.OtlpGrpc => ReadUpstream(section, endpoint, options.Connection) is { } upstream ? options with { Upstream = upstream } : null,
            _ => ReadUrl(section, endpoint, options.Connection) is { } url ? options with { Url = url } : null,
        };
    }

    private static void RefuseKeysOfOthers(Section section, SinkKind kind)
    {
        (string Key, SinkKind Kind, string Name)[] owned =
        [
            ("path", SinkKind.File, "a file"), ("max_size_mib", SinkKind.File, "a file"), ("max_files", SinkKind.File, "a file"), ("secret_file", SinkKind.Webhook, "a webhook"),
        ];
        foreach (var (key, owner, name) in owned)
        {
            if (owner != kind && section.Value(key) is not null)
            {
                section.Error(key, $"belongs to {name}");
            }
        }

        foreach (var key in (string[])["endpoint", "headers", "tls", "timeout"])
        {
            if (kind == SinkKind.File && section.Value(key) is not null)
            {
                section.Error(key, "has no use: a file is not sent anywhere");
            }
        }
    }

    private static SinkOptions? CheckFile(Section section, SinkOptions options)
    {
        const string Key = "path";
        if (options.Path.Length == 0)
        {
            section.Problems.Error(section.Mark, section.PathOf(Key), "must name a file");
        }
        else if (options.Path.Contains('\0', StringComparison.Ordinal) || Directory.Exists(options.Path))
        {
            section.Error(Key, $"`{options.Path.Replace("\0", "", StringComparison.Ordinal)}` is no name of a file");
        }
        else
        {
            return options;
        }

        return null;
    }

    // An empty name is most likely a variable that is not set: deliveries would go out unsigned, and nobody would know.
    private static void CheckSecret(Section section, SinkOptions options)
    {
        const string Key = "secret_file";
        if (options is { Kind: SinkKind.Webhook, SecretFile: null } && section.Value(Key) is not null)
        {
            section.Error(Key, "must name a file; left out, nothing is signed");
        }
        else if (options is { Kind: SinkKind.Webhook, SecretFile: { } file } && File.Exists(file))
        {
            try
            {
                if (WebhookSecret.Read(file) is null)
                {
                    section.Error(Key, $"`{file}` {WebhookSecret.Unusable}");
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                section.Error(Key, $"`{file}` cannot be read: {exception.Message}");
            }
        }
    }

    private static UpstreamEndpoint? ReadUpstream(Section section, string? text, ForwardOptions connection)
    {
        const string Key = "endpoint";
        if (text is null or "")
        {
            section.Problems.Error(section.Mark, section.PathOf(Key), "must be set");
        }
        else if (!ClientSection.CheckAscii(section, Key, text))
        {
            return null;
        }
        else if (text.Contains('@', StringComparison.Ordinal))
        {
            // The text is not shown: it may have a password in it.
            section.Error(Key, "`host:port` without a user is expected here: credentials go into `headers`");
        }
        else if (!UpstreamEndpoint.TryParse(text, connection.Insecure, out var endpoint, out var problem))
        {
            section.Error(Key, problem);
        }
        else if (endpoint.Port == 0)
        {
            section.Error(Key, "port 0 cannot be sent to");
        }
        else
        {
            if (!endpoint.UseTls)
            {
                ClientSection.CheckCleartext(section, Key, connection);
            }

            return endpoint;
        }

        return null;
    }

    private static Uri? ReadUrl(Section section, string? text, ForwardOptions connection)
    {
        const string Key = "endpoint";

        // The text is not shown: it may have a password in it.
        if (text is null or "")
        {
            section.Problems.Error(section.Mark, section.PathOf(Key), "must be set");
        }
        else if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0 || url.Port == 0)
        {
            section.Error(Key, "a URL is expected here, with its scheme: `http://host:port/path` or `https://host/path`");
        }
        else if (url.UserInfo.Length > 0 || url.Fragment.Length > 0)
        {
            section.Error(Key, "a URL without a user and without `#` is expected here: credentials go into `headers`");
        }
        else
        {
            if (url.Scheme == "http")
            {
                ClientSection.CheckCleartext(section, Key, connection);
            }

            return url;
        }

        return null;
    }
}
