using OtlpTap.Forward;
using OtlpTap.Pull;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.pull</c>: backends that traces and logs are fetched from.</summary>
internal static class PullSection
{
    public static (PullOptions? Tempo, PullOptions? Loki) Read(Section pull)
    {
        var tempo = pull.OptionalMap("tempo") is { } first ? ReadBackend(first, PullSource.Tempo) : null;
        var loki = pull.OptionalMap("loki") is { } second ? ReadBackend(second, PullSource.Loki) : null;
        pull.RefuseUnknownKeys();
        return (tempo, loki);
    }

    /// <summary>The tenant among the headers, where it is not there already.</summary>
    public static ForwardOptions WithTenant(ForwardOptions connection, string tenant)
    {
        // As all configured headers are kept: in lower case.
        const string Header = "x-scope-orgid";
        return tenant.Length == 0 || connection.Headers.Any(static header => header.Name == Header)
            ? connection
            : connection with { Headers = new List<(string Name, string Value)>([.. connection.Headers, (Header, tenant)]) };
    }

    private static PullOptions? ReadBackend(Section section, PullSource source)
    {
        var defaults = new PullOptions { Source = source, Url = new Uri("http://localhost"), Connection = new ForwardOptions { Endpoint = "" } };
        var text = section.RequiredText("url");
        var tenant = section.Text("tenant", defaults.Tenant);
        var connection = ClientSection.ReadHeadersAndTls(section, defaults.Connection);
        var options = defaults with
        {
            // Traces of late verdicts are fetched by id: Tempo needs no query for that.
            Query = source == PullSource.Tempo ? section.Text("query", defaults.Query) : section.RequiredText("query") ?? "",
            Tenant = tenant,
            Connection = WithTenant(connection, tenant),
            TokenFile = TlsFiles.ReadFile(section, "token_file"),
            Timeout = section.Duration("timeout", defaults.Timeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            Interval = section.Duration("interval", defaults.Interval, TimeSpan.FromSeconds(10), TimeSpan.FromHours(24)),
            Since = section.Duration("since", defaults.Since, TimeSpan.FromMinutes(1), TimeSpan.FromHours(720)),
            AnswerBytesMax = section.Number("max_response_mib", defaults.AnswerBytesMax >> 20, 1, 256) << 20,
            AttributeBytesMax = source == PullSource.Tempo ? section.Number("max_attribute_bytes", defaults.AttributeBytesMax, 0, 1 << 30) : defaults.AttributeBytesMax,
        };
        section.RefuseUnknownKeys();
        if (!Ascii(tenant))
        {
            section.Error("tenant", "letters, digits and ASCII punctuation are expected here: it becomes a header");
            return null;
        }

        if (text is null)
        {
            return null;
        }

        if (Url(text, out var problem) is not { } url)
        {
            // The text is not shown: it may have a password in it.
            section.Error("url", problem);
            return null;
        }

        if (url.Scheme == "http")
        {
            ClientSection.CheckCleartext(section, "url", connection);
        }

        return options with { Url = url };
    }

    /// <summary>A backend's base URL; null with what is wrong with it.</summary>
    public static Uri? Url(string text, out string problem)
    {
        problem = "";
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
        {
            problem = "a URL is expected here, with its scheme: `http://tempo:3200` or `https://host/path`";
        }
        else if (url.UserInfo.Length > 0 || url.Fragment.Length > 0 || url.Query.Length > 0)
        {
            problem = "a URL without a user, without `?` and without `#` is expected here: credentials go into `headers` or `token_file`";
        }
        else if (url.Port == 0)
        {
            problem = "port 0 cannot be asked";
        }

        return problem.Length == 0 ? url : null;
    }

    public static bool Ascii(string text) => text.All(static character => character is > ' ' and < '\x7f');
}
