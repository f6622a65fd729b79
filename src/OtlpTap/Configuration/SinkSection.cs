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
        var kind = section.Choice("type", SinkKind.OtlpHttp, [("otlp_http", SinkKind.OtlpHttp), ("file", SinkKind.File), ("webhook", SinkKind.Webhook)]);
        var endpoint = section.Text("endpoint");
        var defaults = new SinkOptions { Name = kind switch { SinkKind.File => "file", SinkKind.Webhook => "webhook", _ => "otlp_http" }, Kind = kind };
        var options = defaults with
        {
            Name = section.Text("name") is { Length: > 0 } name ? name : defaults.Name,
            Connection = ClientSection.ReadHeadersAndTls(section, defaults.Connection),
            Path = section.Text("path") ?? "",
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

        if (kind != SinkKind.Webhook && options.SecretFile is not null)
        {
            section.Error("secret_file", "belongs to a webhook");
        }

        if (kind == SinkKind.File)
        {
            if (options.Path.Length == 0 || options.Path.Contains('\0', StringComparison.Ordinal))
            {
                section.Problems.Error(section.Mark, section.PathOf("path"), "must name a file");
                return null;
            }

            return options;
        }

        if (options.Path.Length > 0)
        {
            section.Error("path", "belongs to a file");
        }

        return ReadUrl(section, endpoint, options.Connection) is { } url ? options with { Url = url } : null;
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
