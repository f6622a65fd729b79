using Microsoft.Extensions.AI;

namespace OtlpTap.Tests.EndToEnd.Agents;

/// <summary>A model that calls the first tool it is offered with the user's words, and answers with what that found.</summary>
internal sealed class ScriptedModel : IChatClient
{
    public const string Name = "scripted-1";
    public const string Apology = "I could not look that up.";

    private int _responses;

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var all = messages.ToList();
        var result = all[^1].Contents.OfType<FunctionResultContent>().FirstOrDefault();
        return Task.FromResult(result is null ? Call(options!.Tools![0].Name, all[^1].Text) : Answer(result));
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("the agent asks for whole responses");

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("scripted", defaultModelId: Name) : null;

    public void Dispose()
    {
        // It has nothing.
    }

    private ChatResponse Call(string tool, string query) =>
        Respond(new ChatMessage(ChatRole.Assistant, [new FunctionCallContent($"call_{_responses}", tool, new Dictionary<string, object?> { ["query"] = query })]), ChatFinishReason.ToolCalls);

    private ChatResponse Answer(FunctionResultContent result) =>
        Respond(new ChatMessage(ChatRole.Assistant, result.Exception is null ? result.Result!.ToString() : Apology), ChatFinishReason.Stop);

    private ChatResponse Respond(ChatMessage message, ChatFinishReason reason) => new(message)
    {
        ResponseId = $"resp_{++_responses}",
        ModelId = Name,
        FinishReason = reason,
        Usage = new UsageDetails { InputTokenCount = 40, OutputTokenCount = 12, TotalTokenCount = 52 },
    };
}
