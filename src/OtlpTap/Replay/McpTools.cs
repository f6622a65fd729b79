using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace OtlpTap.Replay;

/// <summary>
/// Recorded tools as an MCP server over streamable HTTP, without sessions and without a stream of its own.
/// https://modelcontextprotocol.io/specification/2025-06-18/basic/transports
/// </summary>
internal sealed class McpTools(List<ReplayRun> runs)
{
    private const string LatestVersion = "2025-06-18";
    private const int MethodNotFound = -32601;
    private const int InvalidParameters = -32602;
    private const int ParseError = -32700;

    public async Task HandleAsync(HttpContext context, byte[] body)
    {
        var response = context.Response;
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            // A client asks by GET whether the server would send of its own accord; this one does not.
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            response.Headers.Allow = "POST";
            return;
        }

        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(body);
        }
        catch (JsonException broken)
        {
            await WorldEndpoint.JsonAsync(response, Error(default, ParseError, broken.Message));
            return;
        }

        using (json)
        {
            var request = json.RootElement;
            if (request.ValueKind != JsonValueKind.Object || !request.TryGetProperty("id", out var id))
            {
                response.StatusCode = StatusCodes.Status202Accepted; // a notification has no answer
                return;
            }

            await WorldEndpoint.JsonAsync(response, Answer(request, id));
        }
    }

    private byte[] Answer(JsonElement request, JsonElement id)
    {
        var method = request.TryGetProperty("method", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString() : "";
        var parameters = request.TryGetProperty("params", out var given) ? given : default;
        switch (method)
        {
            case "initialize":
                return Result(id, json =>
                {
                    json.WriteString("protocolVersion", Text(parameters, "protocolVersion") ?? LatestVersion);
                    json.WriteStartObject("capabilities");
                    json.WriteStartObject("tools");
                    json.WriteEndObject();
                    json.WriteEndObject();
                    json.WriteStartObject("serverInfo");
                    json.WriteString("name", "otlptap recorded tools");
                    json.WriteString("version", "1");
                    json.WriteEndObject();
                });
            case "ping":
                return Result(id, static _ => { });
            case "tools/list":
                return Result(id, WriteTools);
            case "tools/call":
                return Call(id, parameters);
            default:
                return Error(id, MethodNotFound, $"the recorded tools have no method {method}");
        }
    }

    private byte[] Call(JsonElement id, JsonElement parameters)
    {
        if (Text(parameters, "name") is not { } tool)
        {
            return Error(id, InvalidParameters, "params.name must be there");
        }

        var arguments = parameters.TryGetProperty("arguments", out var given) ? given.GetRawText() : null;
        return WorldEndpoint.Call(runs, tool, arguments, out var problem) is { } result
            ? Result(id, json =>
            {
                json.WriteStartArray("content");
                json.WriteStartObject();
                json.WriteString("type", "text");
                json.WriteString("text", result.Result);
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteBoolean("isError", result.IsError);
            })
            : Error(id, InvalidParameters, problem);
    }

    private void WriteTools(Utf8JsonWriter json)
    {
        json.WriteStartArray("tools");
        foreach (var tool in runs.SelectMany(static run => run.World!.Tools).DistinctBy(static tool => tool.Name))
        {
            json.WriteStartObject();
            json.WriteString("name", tool.Name);
            json.WriteString("description", tool.Description ?? "");
            json.WritePropertyName("inputSchema");
            WriteSchema(json, tool.ParametersSchema);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    // The protocol wants the schema of an object, whatever was recorded.
    private static void WriteSchema(Utf8JsonWriter json, string? schema)
    {
        try
        {
            using var recorded = JsonDocument.Parse(schema ?? "{}");
            if (Text(recorded.RootElement, "type") == "object")
            {
                recorded.RootElement.WriteTo(json);
                return;
            }
        }
        catch (JsonException)
        {
            // It was cut, or is written in another way.
        }

        json.WriteStartObject();
        json.WriteString("type", "object");
        json.WriteEndObject();
    }

    private static byte[] Result(JsonElement id, Action<Utf8JsonWriter> write) => Message(id, json =>
    {
        json.WriteStartObject("result");
        write(json);
        json.WriteEndObject();
    });

    private static byte[] Error(JsonElement id, int code, string message) => Message(id, json =>
    {
        json.WriteStartObject("error");
        json.WriteNumber("code", code);
        json.WriteString("message", message);
        json.WriteEndObject();
    });

    private static byte[] Message(JsonElement id, Action<Utf8JsonWriter> write) => OpenAiAnswer.Bytes(json =>
    {
        json.WriteStartObject();
        json.WriteString("jsonrpc", "2.0");
        json.WritePropertyName("id");
        if (id.ValueKind == JsonValueKind.Undefined)
        {
            json.WriteNullValue();
        }
        else
        {
            id.WriteTo(json);
        }

        write(json);
        json.WriteEndObject();
    });

    private static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
