namespace OtlpTap.Announce;

/// <summary><c>processors.tap.verdicts</c>: what the backend is told of verdicts that no inline rule made.</summary>
internal sealed record AnnounceOptions
{
    /// <summary><c>spans</c>: one span <c>otlptap.verdict</c> for each, to the exporters of the traces pipelines. Default true.</summary>
    public bool Spans { get; init; } = true;

    /// <summary><c>logs</c>: one log record <c>gen_ai.evaluation.result</c> for each, to the exporters of the logs pipelines. Default true.</summary>
    public bool Logs { get; init; } = true;
}
