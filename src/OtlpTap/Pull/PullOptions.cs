using OtlpTap.Forward;

namespace OtlpTap.Pull;

/// <summary>A backend that cases are pulled from.</summary>
internal enum PullSource
{
    Tempo,
    Loki,
}

/// <summary>What to ask of one backend: <c>processors.tap.pull.tempo</c> or <c>loki</c>, or a command line.</summary>
internal sealed record PullOptions
{
    public required PullSource Source { get; init; }

    /// <summary><c>url</c>: where <c>/api/search</c> of Tempo, or <c>/loki/api/v1/query_range</c>, stands below.</summary>
    public required Uri Url { get; init; }

    /// <summary><c>headers</c> and <c>tls</c>, as an exporter's; the tenant is among the headers.</summary>
    public required ForwardOptions Connection { get; init; }

    /// <summary><c>query</c>: TraceQL or LogQL. Empty: nothing is pulled on a schedule, traces are fetched by id alone.</summary>
    public string Query { get; init; } = "";

    /// <summary><c>tenant</c>: sent as <c>X-Scope-OrgID</c>; here to tell the states of two tenants apart. Default none.</summary>
    public string Tenant { get; init; } = "";

    /// <summary><c>token_file</c>: its first line is shown as a bearer token; read again when it changes. Default none.</summary>
    public string? TokenFile { get; init; }

    /// <summary><c>timeout</c> of one request. Default 30 s; 100 ms to 10 min.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary><c>interval</c> between two runs of the schedule. Default 5 min; 10 s to 24 h.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary><c>since</c>: how far the first run looks back, and every other where the tap was away. Default 1 h; 1 min to 720 h.</summary>
    public TimeSpan Since { get; init; } = TimeSpan.FromHours(1);

    /// <summary><c>max_response_mib</c>: one answer; a larger trace is left out and counted. Default 64 MiB; 1 to 256.</summary>
    public int AnswerBytesMax { get; init; } = 64 << 20;

    /// <summary><c>max_attribute_bytes</c>: where the backend cuts values. Default 2048, Tempo's <c>distributor.max_attribute_bytes</c>; 0: it does not.</summary>
    public int AttributeBytesMax { get; init; } = 2048;

    /// <summary>The name in cases, metrics and state files.</summary>
    public string Name => Source == PullSource.Tempo ? "tempo" : "loki";
}
