namespace OtlpTap.Detectors;

/// <summary>
/// Whether bytes can hold an agent's content at all: what tells the instrumentations' attributes apart from those of web servers
/// and databases. A search for bytes, not a reading: a hit where there is no agent costs a look later, a miss would cost the
/// verdicts. So the marks are short, and each stands in every span or record of its dialect that says anything.
/// Some gigabytes a second; the recorder's thread can afford it where it cannot afford to read.
/// </summary>
internal static class ContentMarkers
{
    public static bool AreIn(ReadOnlySpan<byte> request) =>
        request.IndexOf("gen_ai."u8) >= 0 // OpenTelemetry's and most others'
        || request.IndexOf("openinference."u8) >= 0
        || request.IndexOf("llm."u8) >= 0
        || request.IndexOf("traceloop."u8) >= 0
        || request.IndexOf("langfuse."u8) >= 0
        || request.IndexOf("langsmith."u8) >= 0
        || request.IndexOf("genkit:"u8) >= 0
        || request.IndexOf("mastra."u8) >= 0
        || request.IndexOf("mlflow."u8) >= 0
        || request.IndexOf("ai.operationId"u8) >= 0 // Vercel's AI SDK
        || request.IndexOf("pydantic_ai."u8) >= 0
        || request.IndexOf("logfire."u8) >= 0
        || request.IndexOf("mcp."u8) >= 0
        || request.IndexOf("gcp.vertex.agent"u8) >= 0
        || request.IndexOf("claude_code."u8) >= 0
        || request.IndexOf("gemini_cli."u8) >= 0
        || request.IndexOf("semantic_kernel"u8) >= 0;
}
