using System.Text.Json;
using OtlpTap.Advice;
using OtlpTap.Health;

namespace OtlpTap.Web;

/// <summary>What an agent's framework can call by the Model Context Protocol: the API's reads, under names that a model understands.</summary>
internal sealed class McpTools(IAdviceSource source, IHealthReport health, TimeProvider time)
{
    private const int NameLengthMax = 256;

    private const string HealthTool = "get_my_health";
    private const string AdviceTool = "get_advice";

    private static readonly Argument[] HealthArguments =
    [
        new("service", "The agent's service.name.", IsRequired: true),
        new("agent", "The agent's name.", IsRequired: true),
    ];

    private static readonly Argument[] AdviceArguments =
    [
        new("service", "The agent's service.name.", IsRequired: true),
        new("agent", "The agent's name; left out: of all agents of the service."),
        new("tool", "The tool that is to be used; left out: of all tools."),
        new("model", "The model that is to be used; left out: of all models."),
        new("trace_id", "The trace of the run, 32 hexadecimal digits: some traces go without advice so that its effect can be measured."),
    ];

    public static readonly string[] Names = [HealthTool, AdviceTool];

    public static void WriteList(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("tools");
        Write(json, HealthTool, "My health", "How an agent has fared in the last minute, five minutes and hour: calls, failures and latency of its tools and models, failures of its runs, users' feedback.", HealthArguments);
        Write(json, AdviceTool, "Advice", "What an agent should do now because something fails or is slow, such as another tool to use; empty when all is well.", AdviceArguments);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>The result of <c>tools/call</c>; null where there is no such tool.</summary>
    public Action<Utf8JsonWriter>? Call(JsonElement name, JsonElement arguments)
    {
        if (name.ValueEquals(HealthTool))
        {
            return Problem(arguments, HealthArguments) is { } problem ? Failed(problem) : CallHealth(Value(arguments, "service"), Value(arguments, "agent"));
        }

        if (name.ValueEquals(AdviceTool))
        {
            return Problem(arguments, AdviceArguments) is { } problem ? Failed(problem) : CallAdvice(arguments);
        }

        return null;
    }

    private Action<Utf8JsonWriter> CallHealth(string service, string agent) => HealthEndpoint.Find(health, HealthScope.OfAgent(service, agent)) is { } write
        ? Done(json =>
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        })
        : Failed($"nothing is known of the agent `{agent}` of the service `{service}`: it has sent nothing lately, or goes by other names");

    private Action<Utf8JsonWriter> CallAdvice(JsonElement arguments)
    {
        if (AdviceQuery.Read(name => Value(arguments, name), out var query) is { } problem)
        {
            return Failed(problem);
        }

        var (snapshot, holdout, now) = (source.Current, source.Holdout, time.GetUtcNow());
        return Done(json => AdviceJson.Write(json, snapshot, query, holdout, now));
    }

    // Whoever called should try again with others: a failure of the tool and not of the protocol ("Tools", Error Handling).
    private static string? Problem(JsonElement arguments, Argument[] known)
    {
        if (arguments.ValueKind is not (JsonValueKind.Object or JsonValueKind.Undefined))
        {
            return "`arguments` must be an object";
        }

        // First: a name that is misspelt is missing as well.
        var unknown = arguments.ValueKind == JsonValueKind.Object ? arguments.EnumerateObject().Select(member => member.Name).Except(known.Select(argument => argument.Name)).FirstOrDefault() : null;
        if (unknown is not null)
        {
            return $"`{unknown}` is not known: there are {ApiExchange.Listed([.. known.Select(argument => argument.Name)])}";
        }

        foreach (var argument in known)
        {
            if (argument.IsRequired && Value(arguments, argument.Name).Length == 0)
            {
                return $"`{argument.Name}` must be a text that is not empty";
            }

            if (Value(arguments, argument.Name).Length > NameLengthMax)
            {
                return $"`{argument.Name}` has more than {NameLengthMax} characters";
            }
        }

        return null;
    }

    // Models send null, or a text that is empty, for what they do not know.
    private static string Value(JsonElement arguments, string name) =>
        arguments.ValueKind == JsonValueKind.Object && arguments.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    // "Tools", Structured Content: as text too, for clients that know of nothing else. Written twice, so that neither has to be kept for the other.
    private static Action<Utf8JsonWriter> Done(Action<Utf8JsonWriter> structured) => Result(isError: false, json => JsonInText.WriteStringValue(json, structured), structured);

    private static Action<Utf8JsonWriter> Failed(string problem) => Result(isError: true, json => json.WriteStringValue(problem), null);

    private static Action<Utf8JsonWriter> Result(bool isError, Action<Utf8JsonWriter> text, Action<Utf8JsonWriter>? structured) => json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("content");
        json.WriteStartObject();
        json.WriteString("type", "text");
        json.WritePropertyName("text");
        text(json);
        json.WriteEndObject();
        json.WriteEndArray();
        if (structured is not null)
        {
            json.WritePropertyName("structuredContent");
            structured(json);
        }

        json.WriteBoolean("isError", isError);
        json.WriteEndObject();
    };

    private static void Write(Utf8JsonWriter json, string name, string title, string description, Argument[] arguments)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("title", title);
        json.WriteString("description", description);
        json.WriteStartObject("inputSchema");
        json.WriteString("type", "object");
        json.WriteStartObject("properties");
        foreach (var argument in arguments)
        {
            json.WriteStartObject(argument.Name);
            json.WriteString("type", "string");
            json.WriteString("description", argument.Description);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteStartArray("required");
        foreach (var argument in arguments.Where(argument => argument.IsRequired))
        {
            json.WriteStringValue(argument.Name);
        }

        json.WriteEndArray();
        json.WriteBoolean("additionalProperties", false);
        json.WriteEndObject();
        json.WriteStartObject("annotations");
        json.WriteBoolean("readOnlyHint", true);
        json.WriteBoolean("openWorldHint", false);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private readonly record struct Argument(string Name, string Description, bool IsRequired = false);
}
