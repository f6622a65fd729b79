namespace OtlpTap.Client;

/// <summary>Where the tap is, and who asks.</summary>
public sealed record TapClientOptions
{
    /// <summary>The tap's admin port (<c>service.admin.endpoint</c>). Default <c>http://127.0.0.1:8888</c>.</summary>
    public Uri AdminEndpoint { get; init; } = new("http://127.0.0.1:8888");

    /// <summary>The tap's OTLP/HTTP port, which takes feedback. Default <c>http://127.0.0.1:4318</c>.</summary>
    public Uri FeedbackEndpoint { get; init; } = new("http://127.0.0.1:4318");

    /// <summary>The token of <c>service.admin.api</c>. Default none.</summary>
    public string? Token { get; init; }

    /// <summary>A bearer token that the OTLP/HTTP port asks for. Default none.</summary>
    public string? FeedbackToken { get; init; }

    /// <summary>This process's <c>service.name</c>: only what concerns it is asked for. Default: the environment variable <c>OTEL_SERVICE_NAME</c>.</summary>
    public string? Service { get; init; } = Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME");

    /// <summary>The agent's name; null: for all agents of the service.</summary>
    public string? Agent { get; init; }

    /// <summary>Whether changes come by a stream, within milliseconds. Default true; where the tap has none to give, it is asked as without.</summary>
    public bool UseStream { get; init; } = true;

    /// <summary>How often the tap is asked where there is no stream. Default 5 s, give or take a tenth.</summary>
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>When nothing was heard of the tap for so long, there is no advice any more. Default 1 min; with a stream at least 20 s.</summary>
    public TimeSpan StaleAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long one request may take. Default 10 s.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many pieces of feedback may wait; further ones are dropped and counted. Default 1,024, of at most 16 KiB each.</summary>
    public int FeedbackQueueMax { get; init; } = 1024;

    /// <summary>How long feedback that the tap could not take is tried again. Default 10 min.</summary>
    public TimeSpan FeedbackRetryFor { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How requests are sent, for TLS or proxies of one's own; not disposed by the client. Default: a handler that makes no spans of them.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>For tests. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>A path is found below it and not beside its last part.</summary>
    internal static Uri Directory(Uri endpoint) => endpoint.AbsolutePath.EndsWith('/') ? endpoint : new Uri(endpoint.GetLeftPart(UriPartial.Path) + "/");
}
