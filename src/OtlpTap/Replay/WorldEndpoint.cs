using System.Text.Json;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Replay;

/// <summary>
/// The requests of a rerun's own port: what the tap hands on of the run's telemetry, and the recorded world: a model as
/// OpenAI's interfaces, tools as MCP (streamable HTTP) and as plain HTTP. A run's own address begins with
/// <c>/runs/&lt;trace id&gt;</c>; without it a run is known by <c>traceparent</c>, or is the only one under way.
/// </summary>
internal sealed class WorldEndpoint(TraceMailbox mailbox, bool hasModel, bool hasTools)
{
    public const string SinkPath = "/telemetry";

    // A request to a model carries its whole context; beyond this it carries something else.
    private const int BodyMax = 64 << 20;

    public static string RunPath(ReplayRun run) => $"/runs/{run.TraceId}";

    public async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        var body = await ReadAsync(context.Request);
        if (body is null)
        {
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return;
        }

        if (path.StartsWith(SinkPath, StringComparison.Ordinal))
        {
            Take(context.Response, path[SinkPath.Length..], body);
            return;
        }

        var runs = RunsOf(context.Request, ref path);
        var route = path.TrimEnd('/');
        if (hasModel && route is "/v1/chat/completions" or "/v1/responses" or "/chat/completions" or "/responses")
        {
            await ModelAsync(context.Response, route, body, runs);
        }
        else if (hasTools && route == "/mcp")
        {
            await new McpTools(runs).HandleAsync(context, body);
        }
        else if (hasTools && route.StartsWith("/tools/", StringComparison.Ordinal))
        {
            await ToolAsync(context.Response, Uri.UnescapeDataString(route["/tools/".Length..]), body, runs);
        }
        else
        {
            await RefuseAsync(context.Response, StatusCodes.Status404NotFound, "not_found", $"the recorded world has no {path}");
        }
    }

    private void Take(HttpResponse response, string path, byte[] body)
    {
        try
        {
            mailbox.Received(path == "/v1/traces" ? Signal.Traces : path == "/v1/logs" ? Signal.Logs : Signal.Metrics, body);
            response.ContentType = "application/x-protobuf"; // with an empty body: full success
        }
        catch (InvalidProtocolBufferException)
        {
            response.StatusCode = StatusCodes.Status400BadRequest;
        }
    }

    private List<ReplayRun> RunsOf(HttpRequest request, ref string path)
    {
        var open = mailbox.Open().Where(static run => run.World is not null).ToList();
        if (path.StartsWith("/runs/", StringComparison.Ordinal) && path.IndexOf('/', "/runs/".Length) is var end and > 0)
        {
            var id = path["/runs/".Length..end];
            path = path[end..];
            return [.. open.Where(run => run.TraceId.ToString() == id)];
        }

        var parts = request.Headers["traceparent"].ToString().Split('-');
        var named = parts.Length > 1 ? open.Where(run => run.TraceId.ToString() == parts[1]).ToList() : [];
        return named.Count > 0 ? named : open;
    }

    private static async Task ModelAsync(HttpResponse response, string route, byte[] body, List<ReplayRun> runs)
    {
        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(body);
        }
        catch (JsonException broken)
        {
            await RefuseAsync(response, StatusCodes.Status400BadRequest, "invalid_request_error", broken.Message);
            return;
        }

        using (json)
        {
            var isChat = route.EndsWith("completions", StringComparison.Ordinal);
            var root = json.RootElement;
            var problem = "no run is under way to which this request belongs";
            RecordedAnswer? answer = null;
            foreach (var run in runs)
            {
                answer ??= run.World!.Ask(redactor => isChat ? OpenAiRequest.Chat(root, redactor) : OpenAiRequest.Responses(root, redactor), out problem);
            }

            if (answer is null)
            {
                Report(runs, problem);

                // No status that clients take for a passing one and try again.
                await RefuseAsync(response, StatusCodes.Status400BadRequest, "unrecorded_request", problem);
            }
            else if (answer.ErrorStatus > 0)
            {
                await RefuseAsync(response, answer.ErrorStatus, "recorded_error", answer.Error);
            }
            else if (root.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True)
            {
                await StreamAsync(response, answer, isChat, root);
            }
            else
            {
                await JsonAsync(response, isChat ? OpenAiAnswer.Chat(answer) : OpenAiAnswer.Response(answer));
            }
        }
    }

    private static async Task StreamAsync(HttpResponse response, RecordedAnswer answer, bool isChat, JsonElement request)
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        if (!isChat)
        {
            foreach (var (type, data) in OpenAiAnswer.ResponseEvents(answer))
            {
                await response.WriteAsync($"event: {type}\n");
                await EventAsync(response, data);
            }

            return;
        }

        var withUsage = request.TryGetProperty("stream_options", out var options) && options.ValueKind == JsonValueKind.Object
            && options.TryGetProperty("include_usage", out var usage) && usage.ValueKind == JsonValueKind.True;
        foreach (var data in OpenAiAnswer.ChatChunks(answer, withUsage))
        {
            await EventAsync(response, data);
        }

        await EventAsync(response, "[DONE]"u8.ToArray());
    }

    private static async Task EventAsync(HttpResponse response, byte[] data)
    {
        await response.Body.WriteAsync("data: "u8.ToArray());
        await response.Body.WriteAsync(data);
        await response.Body.WriteAsync("\n\n"u8.ToArray());
        await response.Body.FlushAsync();
    }

    private static async Task ToolAsync(HttpResponse response, string tool, byte[] body, List<ReplayRun> runs)
    {
        if (Call(runs, tool, System.Text.Encoding.UTF8.GetString(body), out var problem) is not { } result)
        {
            await RefuseAsync(response, StatusCodes.Status400BadRequest, "unrecorded_request", problem);
        }
        else
        {
            response.StatusCode = result.IsError ? StatusCodes.Status500InternalServerError : StatusCodes.Status200OK;
            response.ContentType = result.Result.AsSpan().TrimStart() is ['{' or '[', ..] ? "application/json" : "text/plain; charset=utf-8";
            await response.WriteAsync(result.Result);
        }
    }

    /// <summary>The recorded result of a call; null with the reason, which the run then fails with.</summary>
    internal static RecordedResult? Call(List<ReplayRun> runs, string tool, string? arguments, out string problem)
    {
        problem = "no run is under way to which this call belongs";
        foreach (var run in runs)
        {
            if (run.World!.Call(tool, arguments, out problem) is { } result)
            {
                return result;
            }
        }

        Report(runs, problem);
        return null;
    }

    private static void Report(List<ReplayRun> runs, string problem)
    {
        // Whose request it is cannot be told where several are under way and it names none: the difference is each one's.
        foreach (var run in runs)
        {
            run.World!.Report(problem);
        }
    }

    private static Task RefuseAsync(HttpResponse response, int status, string type, string message)
    {
        response.StatusCode = status;
        return JsonAsync(response, OpenAiAnswer.Error(type, message));
    }

    internal static async Task JsonAsync(HttpResponse response, byte[] json)
    {
        response.ContentType = "application/json";
        await response.Body.WriteAsync(json);
    }

    private static async Task<byte[]?> ReadAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        var buffer = new byte[16 << 10];
        while (await request.Body.ReadAsync(buffer) is var count and > 0)
        {
            if (body.Length + count > BodyMax)
            {
                return null;
            }

            body.Write(buffer, 0, count);
        }

        return body.ToArray();
    }
}
