using System.Text.Json;
using System.Text.RegularExpressions;

namespace OtlpTap.Detectors;

/// <summary>What the result of a tool says of the call.</summary>
internal enum ResultKind : byte
{
    /// <summary>Nothing bad, as far as can be told.</summary>
    Healthy,

    /// <summary>The tool failed.</summary>
    Failed,

    /// <summary>There is no such tool.</summary>
    UnknownTool,

    /// <summary>The tool does not take what it was called with.</summary>
    BadArguments,
}

/// <summary>
/// Reads whether a tool's result says that the call failed. Only what the result says of itself counts: a result that tells of
/// errors (a log, a document about exceptions, a list that is empty) is healthy, and so is every <c>error</c> that is null, empty, false or zero.
/// </summary>
internal static class ResultText
{
    // An error is a sentence or a stack; in what is longer, sentences such as "tool not found" may stand by chance.
    private const int ReasonCharsMax = 4096;
    private const int WrappersMax = 6;

    // Texts of strangers: no pattern may take more than linear time.
    private const RegexOptions Linear = RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;

    // Of the start of a text: what says "this is an error", not "this is about errors".
    private static readonly Regex ErrorTextPattern = new(
        """^\s*[\[(*#`"']*(?:(?:\w+ )?(?:error|exception|failure)[\])*`]*\s*[:!]|(?:error|exception|fatal)\]|\d+ validation errors? for\b|[\w.$]*(?:Error|Exception|Fault)(?: \[\w+\])?:|error (?:executing|calling|invoking|running|while|in tool|from tool|occurred|code|fetching|processing|during|status)\b|exception (?:in|occurred|while|thrown)\b|traceback \(most recent call last\)|(?:an?|the following) (?:\w+ )?(?:error|exception) (?:occurred|has occurred|was thrown|happened)|(?:failed|unable) to (?:call|execute|invoke|run|fetch|connect|load|parse|retrieve|read|open|complete|process|reach)\b|(?:the )?tool (?:call |execution |invocation )?(?:failed|errored|raised)|unhandled (?:\w+ )?(?:error|exception)|(?:fatal|panic):|http(?:/[\d.]+)? (?:error )?[45]\d\d\b|(?:tool|function) ['"`]?[\w.:/-]+['"`]? (?:(?:was|is|does) )?not (?:found|defined|registered|available|exist)|(?:unknown|no such) (?:tool|function)\b|requested function\b.{0,100}\bnot found)""",
        Linear);

    private static readonly Regex UnknownToolPattern = new(
        """\b(?:unknown|no such|unrecognized|undefined|nonexistent|unavailable) (?:tool|function)\b|\bno (?:tool|function) (?:named|called|with (?:the )?name)\b|\b(?:tool|function) (?:call )?(?:name )?\\?['"`]?[\w.:/-]+\\?['"`]? (?:(?:was|is|does|could) )?(?:not (?:be )?(?:found|defined|registered|available|exist|recognized|known|supported)|undefined)\b|\b(?:tool|function) that (?:wasn't|was not|isn't|is not) (?:defined|registered|available)|is not a valid tool|\b(?:tool|function) not found\b|NoSuchToolError|ToolNotFound|-32601\b""",
        Linear);

    private static readonly Regex BadArgumentsPattern = new(
        """\b(?:invalid|malformed|bad|wrong|illegal) (?:json )?(?:tool |function |input )?(?:input|arguments?|args|parameters?|json)\b|\b(?:input|arguments?|args|parameters?)(?: \w+)?(?: were| was| are| is)? (?:not valid|invalid|malformed|missing|required)\b|\b(?:input|arguments?|parameters?|schema|tool|type) validation (?:error|failed|failure)|\bvalidation errors? for\b|\bdid not match (?:the )?expected schema|\b(?:missing|requires?) (?:\d+ |a |an |the )?(?:required|positional|keyword)\b|\bmissing (?:argument|parameter|property|field|value for)\b|\b(?:argument|parameter|property|field|key)\s+['"`]?[\w.-]+['"`]? (?:is|was) (?:required|missing|not allowed|unexpected)\b|\b(?:required|mandatory) (?:input )?(?:arguments?|parameters?|propert(?:y|ies)|fields?)\b|\bunexpected (?:keyword )?argument\b|\bunexpected (?:token|end of|non-whitespace)\b.{0,60}\bjson\b|\bin json at position\b|\b(?:unterminated|bad control|expected)\b.{0,80}\bin json\b|\bJSONDecodeError\b|\bexpecting (?:value|property name|','|':')|ToolInputParsing|InvalidToolInput|InvalidArguments?Error|ZodError|\\?"invalid_type\\?"|-32602\b|could not parse (?:tool )?(?:input|arguments)|(?:parsing|parse) (?:the )?(?:tool )?(?:input|arguments)|failed to deserialize|type mismatch for (?:argument|parameter)""",
        Linear);

    /// <param name="isError">The message that carries it says that it is an error.</param>
    public static ResultKind Read(string text, bool isError = false)
    {
        var failed = isError || SaysFailed(text, WrappersMax);
        return failed ? Reason(text) : ResultKind.Healthy;
    }

    /// <summary>What a text that is known to tell of a failure says of its cause.</summary>
    public static ResultKind Reason(string text)
    {
        var head = text.Length <= ReasonCharsMax ? text : text[..ReasonCharsMax];
        return UnknownToolPattern.IsMatch(head) ? ResultKind.UnknownTool
            : BadArgumentsPattern.IsMatch(head) ? ResultKind.BadArguments
            : ResultKind.Failed;
    }

    private static bool SaysFailed(string text, int wrappers)
    {
        var start = 0;
        while (start < text.Length && char.IsWhiteSpace(text[start]))
        {
            start++;
        }

        if (start == text.Length)
        {
            return false;
        }

        if (text[start] is not ('{' or '[' or '"'))
        {
            return ErrorTextPattern.IsMatch(text.Length <= ReasonCharsMax ? text : text[..ReasonCharsMax]);
        }

        using var document = JsonText.Parse(text, out _);
        return document is null
            ? text[start] == '[' && ErrorTextPattern.IsMatch(text.Length <= ReasonCharsMax ? text : text[..ReasonCharsMax])
            : SaysFailed(document.RootElement, wrappers);
    }

    private static bool SaysFailed(JsonElement value, int wrappers) => value.ValueKind switch
    {
        _ when wrappers == 0 => false,
        JsonValueKind.Object => ObjectSaysFailed(value, wrappers),
        JsonValueKind.String => SaysFailed(value.GetString()!, wrappers - 1),

        // A list of one may be a wrapper (parts of a message); of several it is data.
        JsonValueKind.Array => value.GetArrayLength() == 1 && value[0].ValueKind == JsonValueKind.Object && IsWrapper(value[0], value[0].EnumerateObject().Count()) && SaysFailed(value[0], wrappers - 1),
        _ => false,
    };

    private static bool ObjectSaysFailed(JsonElement value, int wrappers)
    {
        var isFailed = false;
        var saysWorked = false;
        JsonElement? inner = null;
        var members = 0;
        foreach (var member in value.EnumerateObject())
        {
            members++;
            var (name, content) = (member.Name, member.Value);
            switch (name)
            {
                case "isError" or "is_error":
                    isFailed |= IsTrue(content);
                    saysWorked |= content.ValueKind == JsonValueKind.False;
                    break;

                case "success" or "ok" or "succeeded":
                    isFailed |= content.ValueKind == JsonValueKind.False;
                    saysWorked |= content.ValueKind == JsonValueKind.True;
                    break;

                case "status":
                    isFailed |= content.ValueKind == JsonValueKind.String && content.GetString()!.ToLowerInvariant() is "error" or "failure" && SpeaksOfItself(value);
                    saysWorked |= content.ValueKind == JsonValueKind.String && content.GetString()!.ToLowerInvariant() is "ok" or "success" or "succeeded";
                    break;

                case "statusCode" or "status_code":
                    isFailed |= content.ValueKind == JsonValueKind.Number && content.TryGetInt32(out var status) && status is >= 400 and < 600;
                    break;

                case "error" or "Error" or "exception" or "error_message" or "errorMessage":
                    isFailed |= IsError(content) && !SpeaksOfSomething(value);
                    break;

                // AI SDK's and Anthropic's parts.
                case "type":
                    isFailed |= content.ValueKind == JsonValueKind.String && content.GetString() is "error-text" or "error-json" or "tool-error" or "tool_result_error";
                    break;

                case "content" or "text" or "value" or "json" or "result" or "output" or "response" or "kwargs" or "toolResult" or "structuredContent" or "data":
                    inner ??= content;
                    break;
            }
        }

        if (isFailed)
        {
            return !saysWorked;
        }

        // What a wrapper holds is the result; a member of a larger object is only a part of one.
        return inner is { } held && !saysWorked && IsWrapper(value, members) && SaysFailed(held, wrappers - 1);
    }

    private static bool IsWrapper(JsonElement value, int members) =>
        members == 1
        || value.EnumerateObject().All(static member => member.Name is "type" or "content" or "text" or "value" or "json" or "result" or "output" or "response"
            or "kwargs" or "lc" or "id" or "name" or "role" or "tool_call_id" or "toolCallId" or "toolUseId" or "toolResult" or "toolName" or "annotations" or "_meta"
            or "structuredContent" or "isError" or "is_error" or "additional_kwargs" or "response_metadata" or "artifact" or "status");

    /// <summary>A status that a message explains, or that stands alone, is the call's; among other members it is that of a build, a job, an order.</summary>
    private static bool SpeaksOfItself(JsonElement value)
    {
        var isExplained = false;
        var isAlone = true;
        foreach (var member in value.EnumerateObject())
        {
            var explains = member.Name is "error" or "message" or "error_message" or "errorMessage" or "detail" or "details" or "reason" or "exception" or "content";
            isExplained |= explains && member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Object or JsonValueKind.Array;
            isAlone &= explains || member.Name is "status" or "code" or "type" or "timestamp" or "request_id" or "requestId" or "tool_call_id" or "toolUseId" or "name";
        }

        return isAlone || isExplained;
    }

    /// <summary>A run that was aborted with an error, a payment that was declined with one: data about it, which the call brought back as it should.</summary>
    private static bool SpeaksOfSomething(JsonElement value) =>
        value.EnumerateObject().Count() > 2
        && (value.TryGetProperty("status", out var state) || value.TryGetProperty("state", out state))
        && state.ValueKind == JsonValueKind.String
        && state.GetString()!.ToLowerInvariant() is not ("error" or "failure" or "failed" or "fail" or "ko" or "unavailable" or "not_found" or "timeout");

    private static bool IsTrue(JsonElement value) =>
        value.ValueKind == JsonValueKind.True || (value.ValueKind == JsonValueKind.String && string.Equals(value.GetString(), "true", StringComparison.OrdinalIgnoreCase));

    // Numbers below a hundred are measurements (an error of 0.05) or exit codes of nothing known.
    private static bool IsError(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.String => value.GetString()!.Trim().ToLowerInvariant() is not ("" or "none" or "null" or "nil" or "false" or "no" or "0" or "ok" or "n/a" or "-" or "no error" or "no errors" or "success"),
        JsonValueKind.Number => value.TryGetInt32(out var code) && code is >= 400 and < 600,
        JsonValueKind.Object => value.EnumerateObject().Any(static member => member.Name is "message" or "code" or "type" or "name" or "reason" or "detail" or "details" or "status" or "error"
            && member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.Object or JsonValueKind.True),
        _ => false,
    };
}
