using OtlpTap.Forward;

namespace OtlpTap.Judges;

/// <summary>One of <c>processors.tap.detectors.judge</c>: an evaluator outside the tap, and which runs it is asked about.</summary>
internal sealed record JudgeOptions
{
    /// <summary><c>name</c>: the verdicts' rule and the label of the metrics. Default <c>judge</c>.</summary>
    public string Name { get; init; } = "judge";

    /// <summary>Where questions are posted: <c>endpoint</c>, or <c>openai.base_url</c> with <c>/chat/completions</c>.</summary>
    public required Uri Url { get; init; }

    /// <summary><c>headers</c> and <c>tls</c>, as an exporter's.</summary>
    public required ForwardOptions Connection { get; init; }

    /// <summary><c>openai</c>; null asks in the tap's own form.</summary>
    public ChatOptions? Chat { get; init; }

    /// <summary><c>failure</c>: the kind of a verdict that names none. Default <c>hallucination</c>.</summary>
    public string Failure { get; init; } = Verdicts.FailureKind.Hallucination;

    /// <summary><c>sample</c>: the share of traces that is asked about, by their ids. Default 0.05; 0 to 1.</summary>
    public double Sample { get; init; } = 0.05;

    /// <summary><c>only_failing</c>: ask only where a rule or a detector has found a failure. Default false.</summary>
    public bool OnlyFailing { get; init; }

    /// <summary><c>timeout</c> of a question. Default 30 s; 100 ms to 10 min.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary><c>concurrency</c>: questions at the same time. Default 2; 1 to 64.</summary>
    public int Concurrency { get; init; } = 2;

    /// <summary><c>budget_per_minute</c>: questions in any minute. Default 60; 1 to 10,000.</summary>
    public int BudgetPerMinute { get; init; } = 60;

    /// <summary><c>max_request_kib</c>: a question's bytes; texts are cut until it fits. Default 128 KiB; 4 to 4096.</summary>
    public int RequestBytesMax { get; init; } = 128 << 10;
}

/// <summary><c>openai</c>: any endpoint that has OpenAI's chat completions.</summary>
internal sealed record ChatOptions
{
    /// <summary><c>model</c>. Required.</summary>
    public required string Model { get; init; }

    /// <summary><c>api_key_file</c>: its first line is shown as a bearer token; read again when it changes. Default none.</summary>
    public string? ApiKeyFile { get; init; }

    /// <summary>What <c>prompt_file</c> holds; the built-in template where none is named.</summary>
    public required PromptTemplate Prompt { get; init; }

    /// <summary><c>threshold</c>: from this score on an answer whose label says nothing is a failure. Default 0.5; 0 to 1.</summary>
    public double Threshold { get; init; } = 0.5;
}
