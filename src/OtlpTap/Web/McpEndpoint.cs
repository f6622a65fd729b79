using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Web;

/// <summary>
/// <c>/mcp</c> of the admin port: the Model Context Protocol over Streamable HTTP, without sessions: each message is answered
/// in the reply to its POST, and nothing is known of the client between two. Why by hand: docs/decisions/mcp-by-hand.md.
/// Source: https://modelcontextprotocol.io/specification/2025-11-25 (Base Protocol, Lifecycle, Transports, Tools)
/// </summary>
/// <param name="version">Of the tap.</param>
internal sealed class McpEndpoint(McpTools tools, string version)
{
    public const string NewestProtocol = "2025-11-25";

    private const string VersionHeader = "MCP-Protocol-Version";
    private const int BodyBytesMax = 64 << 10;

    /// <summary>Of a body: what an agent asks at once. Of an agent with a thousand tools each answer has megabytes.</summary>
    private const int MessagesMax = 8;

    // https://www.jsonrpc.org/specification, 5.1
    private const int ParseError = -32700;
    private const int InvalidRequest = -32600;
    private const int MethodNotFound = -32601;
    private const int InvalidParameters = -32602;

    /// <summary>Those that have this transport.</summary>
    private static readonly string[] Protocols = [NewestProtocol, "2025-06-18", "2025-03-26"];

    public void Map(IEndpointRouteBuilder endpoints) => endpoints.MapMethods("/mcp", [HttpMethods.Post], PostAsync);

    private async Task PostAsync(HttpContext http)
    {
        if (await ApiExchange.IsRefusedAsync(http))
        {
            return;
        }

        if (http.Request.Headers[VersionHeader].ToString() is { Length: > 0 } protocol && !Protocols.Contains(protocol))
        {
            await ApiExchange.ErrorAsync(http, StatusCodes.Status400BadRequest, $"{VersionHeader} must be one of {string.Join(", ", Protocols)}");
            return;
        }

        if (await ApiExchange.ReadAsync(http, BodyBytesMax) is not { } body)
        {
            await ApiExchange.ErrorAsync(http, StatusCodes.Status413PayloadTooLarge, $"the body has more than {BodyBytesMax} bytes");
            return;
        }

        await AnswerAsync(http, body);
    }

    private async Task AnswerAsync(HttpContext http, ReadOnlyMemory<byte> body)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(body);
        }
        catch (JsonException exception)
        {
            await Answers.WriteAsync(http, StatusCodes.Status400BadRequest, Error(null, ParseError, $"the body is no JSON: {BrokenJson.Describe(body.Span, exception)}"));
            return;
        }

        using (document)
        {
            await AnswerAsync(http, document.RootElement);
        }
    }

    private async Task AnswerAsync(HttpContext http, JsonElement message)
    {
        if (message.ValueKind == JsonValueKind.Array && message.GetArrayLength() > MessagesMax)
        {
            await Answers.WriteAsync(http, StatusCodes.Status400BadRequest, Error(null, InvalidRequest, $"{MessagesMax} messages are taken at once"));
            return;
        }

        try
        {
            if (AnswerTo(message) is { } answer)
            {
                await Answers.WriteAsync(http, StatusCodes.Status200OK, answer);
            }
            else
            {
                http.Response.StatusCode = StatusCodes.Status202Accepted;
            }
        }
        catch (InvalidOperationException) when (!http.Response.HasStarted)
        {
            // Half of a surrogate pair, wherever it stands.
            await Answers.WriteAsync(http, StatusCodes.Status400BadRequest, Error(null, ParseError, "a string is no text"));
        }
    }

    /// <summary>Null where nothing is to be said: of notifications, and of answers to what was never asked.</summary>
    private Action<Utf8JsonWriter>? AnswerTo(JsonElement message)
    {
        // Several at once, as 2025-03-26 has it.
        if (message.ValueKind == JsonValueKind.Array && message.GetArrayLength() > 0)
        {
            var answers = message.EnumerateArray().Select(AnswerToOne).OfType<Action<Utf8JsonWriter>>().ToList();
            return answers.Count == 0
                ? null
                : json =>
                {
                    json.WriteStartArray();
                    answers.ForEach(answer => answer(json));
                    json.WriteEndArray();
                };
        }

        return AnswerToOne(message);
    }

    private Action<Utf8JsonWriter>? AnswerToOne(JsonElement message)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            return Error(null, InvalidRequest, "a message is an object");
        }

        JsonElement? id = message.TryGetProperty("id", out var member) ? member : null;
        if (id is { ValueKind: not (JsonValueKind.String or JsonValueKind.Number) })
        {
            return Error(null, InvalidRequest, "`id` must be a string or a number");
        }

        if (!message.TryGetProperty("method", out var method) || method.ValueKind != JsonValueKind.String)
        {
            return message.TryGetProperty("result", out _) || message.TryGetProperty("error", out _) ? null : Error(id, InvalidRequest, "`method` must be a string");
        }

        var parameters = message.TryGetProperty("params", out var given) ? given : default;
        return id is null ? null : AnswerTo(id.Value, method, parameters);
    }

    private Action<Utf8JsonWriter> AnswerTo(JsonElement id, JsonElement method, JsonElement parameters)
    {
        if (method.ValueEquals("initialize"u8))
        {
            return Result(id, json => WriteInitialized(json, parameters));
        }

        if (method.ValueEquals("ping"u8))
        {
            return Result(id, static json =>
            {
                json.WriteStartObject();
                json.WriteEndObject();
            });
        }

        if (method.ValueEquals("tools/list"u8))
        {
            return Result(id, McpTools.WriteList);
        }

        if (!method.ValueEquals("tools/call"u8))
        {
            return Error(id, MethodNotFound, "there are initialize, ping, tools/list and tools/call");
        }

        var called = parameters.ValueKind == JsonValueKind.Object && parameters.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
            ? tools.Call(name, parameters.TryGetProperty("arguments", out var arguments) ? arguments : default)
            : null;
        return called is { } result
            ? Result(id, result)
            : Error(id, InvalidParameters, $"`name` must be one of {string.Join(", ", McpTools.Names)}");
    }

    // Lifecycle, "Version Negotiation": the client's where it is spoken here, and the newest otherwise.
    private void WriteInitialized(Utf8JsonWriter json, JsonElement parameters)
    {
        var asked = parameters.ValueKind == JsonValueKind.Object && parameters.TryGetProperty("protocolVersion", out var protocol) ? protocol : default;
        json.WriteStartObject();
        json.WriteString("protocolVersion", Array.Find(Protocols, known => asked.ValueKind == JsonValueKind.String && asked.ValueEquals(known)) ?? NewestProtocol);
        json.WriteStartObject("capabilities");
        json.WriteStartObject("tools");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartObject("serverInfo");
        json.WriteString("name", "otlptap");
        json.WriteString("title", "OtlpTap");
        json.WriteString("version", version);
        json.WriteEndObject();
        json.WriteString("instructions", "How agents fare, and what they should do about it: ask get_advice before a tool or a model is used that may be failing, and follow it.");
        json.WriteEndObject();
    }

    private static Action<Utf8JsonWriter> Result(JsonElement id, Action<Utf8JsonWriter> write) => Message(id, "result", write);

    private static Action<Utf8JsonWriter> Error(JsonElement? id, int code, string message) => Message(id, "error", json =>
    {
        json.WriteStartObject();
        json.WriteNumber("code", code);
        json.WriteString("message", message);
        json.WriteEndObject();
    });

    private static Action<Utf8JsonWriter> Message(JsonElement? id, string member, Action<Utf8JsonWriter> write) => json =>
    {
        json.WriteStartObject();
        json.WriteString("jsonrpc", "2.0");
        json.WritePropertyName("id");
        if (id is { } known)
        {
            known.WriteTo(json);
        }
        else
        {
            json.WriteNullValue();
        }

        json.WritePropertyName(member);
        write(json);
        json.WriteEndObject();
    };
}
