using OtlpTap.Runs.Json;

namespace OtlpTap.Runs.Content;

/// <summary>Who speaks, under the names that frameworks use.</summary>
internal static class Roles
{
    private static readonly FoldedWords<MessageRole> Words = new(
        ("system developer systemmessage systemmessagechunk", MessageRole.System),
        ("user human humanmessage humanmessagechunk", MessageRole.User),
        ("assistant ai model bot aimessage aimessagechunk", MessageRole.Assistant),
        ("tool function toolmessage toolmessagechunk functionmessage ipython", MessageRole.Tool));

    public static bool TryRead(JsonValue value, out MessageRole role)
    {
        role = MessageRole.Unknown;
        return value.IsText && Words.TryFind(value.Text, out role);
    }

    public static bool TryRead(string? text, out MessageRole role)
    {
        role = MessageRole.Unknown;
        return text is not null && Words.TryFind(text, out role);
    }
}
