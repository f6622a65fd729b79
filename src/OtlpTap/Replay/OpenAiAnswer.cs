using System.Buffers;
using System.Globalization;
using System.Text.Json;
using OtlpTap.Runs;

namespace OtlpTap.Replay;

/// <summary>Recorded answers in the forms of OpenAI's two interfaces, whole and as the events of a stream.</summary>
internal static class OpenAiAnswer
{
    // Ids and times of a recorded answer say nothing, and equal ones make reruns equal.
    private const long Created = 1_700_000_000;

    public static byte[] Chat(RecordedAnswer answer) => Bytes(json =>
    {
        WriteChatHead(json, answer, "chat.completion");
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", 0);
        json.WriteStartObject("message");
        json.WriteString("role", "assistant");
        WriteTextOrNull(json, "content", TextOf(answer, PartKind.Text));
        WriteTextOrNull(json, "refusal", TextOf(answer, PartKind.Refusal));
        var calls = Calls(answer);
        if (calls.Count > 0)
        {
            json.WriteStartArray("tool_calls");
            for (var index = 0; index < calls.Count; index++)
            {
                WriteChatCall(json, calls[index], index, isChunk: false);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteString("finish_reason", ChatReason(answer));
        json.WriteEndObject();
        json.WriteEndArray();
        WriteChatUsage(json, answer);
        json.WriteEndObject();
    });

    /// <summary>The data of each event, the closing <c>[DONE]</c> left out.</summary>
    public static IEnumerable<byte[]> ChatChunks(RecordedAnswer answer, bool withUsage)
    {
        yield return Chunk(answer, static json => json.WriteString("role", "assistant"), null);
        foreach (var piece in Pieces(TextOf(answer, PartKind.Text)))
        {
            yield return Chunk(answer, json => json.WriteString("content", piece), null);
        }

        if (TextOf(answer, PartKind.Refusal) is { Length: > 0 } refusal)
        {
            yield return Chunk(answer, json => json.WriteString("refusal", refusal), null);
        }

        var calls = Calls(answer);
        for (var index = 0; index < calls.Count; index++)
        {
            var number = index;
            yield return Chunk(answer, json =>
            {
                json.WriteStartArray("tool_calls");
                WriteChatCall(json, calls[number], number, isChunk: true);
                json.WriteEndArray();
            }, null);
        }

        yield return Chunk(answer, static _ => { }, ChatReason(answer));
        if (withUsage)
        {
            yield return Bytes(json =>
            {
                WriteChatHead(json, answer, "chat.completion.chunk");
                json.WriteStartArray("choices");
                json.WriteEndArray();
                WriteChatUsage(json, answer);
                json.WriteEndObject();
            });
        }
    }

    public static byte[] Response(RecordedAnswer answer) => Bytes(json => WriteResponse(json, answer, "completed"));

    /// <summary>Type and data of each event.</summary>
    public static IEnumerable<(string Type, byte[] Data)> ResponseEvents(RecordedAnswer answer)
    {
        var number = 0;
        (string, byte[]) Event(string type, Action<Utf8JsonWriter> write) => (type, Bytes(json =>
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteNumber("sequence_number", number++);
            write(json);
            json.WriteEndObject();
        }));

        (string, byte[]) Whole(string type, string status) => Event(type, json =>
        {
            json.WritePropertyName("response");
            WriteResponse(json, answer, status);
        });

        yield return Whole("response.created", "in_progress");
        yield return Whole("response.in_progress", "in_progress");
        var items = Items(answer);
        for (var output = 0; output < items.Count; output++)
        {
            var (item, index) = (items[output], output);
            void Place(Utf8JsonWriter json)
            {
                json.WriteString("item_id", ItemId(item, index));
                json.WriteNumber("output_index", index);
            }

            yield return Event("response.output_item.added", json =>
            {
                json.WriteNumber("output_index", index);
                json.WritePropertyName("item");
                WriteItem(json, item, index, isBegun: true);
            });
            if (item.Kind == PartKind.ToolCall)
            {
                yield return Event("response.function_call_arguments.delta", json =>
                {
                    Place(json);
                    json.WriteString("delta", item.Arguments ?? "{}");
                });
                yield return Event("response.function_call_arguments.done", json =>
                {
                    Place(json);
                    json.WriteString("arguments", item.Arguments ?? "{}");
                });
            }
            else
            {
                var kind = item.Kind == PartKind.Refusal ? "refusal" : "output_text";
                yield return Event("response.content_part.added", json =>
                {
                    Place(json);
                    json.WriteNumber("content_index", 0);
                    json.WritePropertyName("part");
                    WriteContent(json, item.Kind, "");
                });
                foreach (var piece in Pieces(item.Text))
                {
                    yield return Event($"response.{kind}.delta", json =>
                    {
                        Place(json);
                        json.WriteNumber("content_index", 0);
                        json.WriteString("delta", piece);
                    });
                }

                yield return Event($"response.{kind}.done", json =>
                {
                    Place(json);
                    json.WriteNumber("content_index", 0);
                    json.WriteString(item.Kind == PartKind.Refusal ? "refusal" : "text", item.Text);
                });
                yield return Event("response.content_part.done", json =>
                {
                    Place(json);
                    json.WriteNumber("content_index", 0);
                    json.WritePropertyName("part");
                    WriteContent(json, item.Kind, item.Text);
                });
            }

            yield return Event("response.output_item.done", json =>
            {
                json.WriteNumber("output_index", index);
                json.WritePropertyName("item");
                WriteItem(json, item, index, isBegun: false);
            });
        }

        yield return Whole(IsIncomplete(answer) ? "response.incomplete" : "response.completed", "completed");
    }

    public static byte[] Error(string type, string message) => Bytes(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", message);
        json.WriteString("type", type);
        json.WriteNull("param");
        json.WriteString("code", type);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    public static byte[] Bytes(Action<Utf8JsonWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            write(json);
        }

        return bytes.WrittenSpan.ToArray();
    }

    private static byte[] Chunk(RecordedAnswer answer, Action<Utf8JsonWriter> delta, string? reason) => Bytes(json =>
    {
        WriteChatHead(json, answer, "chat.completion.chunk");
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", 0);
        json.WriteStartObject("delta");
        delta(json);
        json.WriteEndObject();
        WriteTextOrNull(json, "finish_reason", reason);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void WriteChatHead(Utf8JsonWriter json, RecordedAnswer answer, string kind)
    {
        json.WriteStartObject();
        json.WriteString("id", "chatcmpl-recorded");
        json.WriteString("object", kind);
        json.WriteNumber("created", Created);
        json.WriteString("model", answer.Model);
    }

    private static void WriteChatCall(Utf8JsonWriter json, MessagePart call, int index, bool isChunk)
    {
        json.WriteStartObject();
        if (isChunk)
        {
            json.WriteNumber("index", index);
        }

        json.WriteString("id", CallId(call, index));
        json.WriteString("type", "function");
        json.WriteStartObject("function");
        json.WriteString("name", call.ToolName ?? "");
        json.WriteString("arguments", call.Arguments ?? "{}");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteChatUsage(Utf8JsonWriter json, RecordedAnswer answer)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", answer.InputTokens);
        json.WriteNumber("completion_tokens", answer.OutputTokens);
        json.WriteNumber("total_tokens", answer.InputTokens + answer.OutputTokens);
        json.WriteEndObject();
    }

    private static void WriteResponse(Utf8JsonWriter json, RecordedAnswer answer, string status)
    {
        var isDone = status == "completed";
        json.WriteStartObject();
        json.WriteString("id", "resp_recorded");
        json.WriteString("object", "response");
        json.WriteNumber("created_at", Created);
        json.WriteString("status", isDone && IsIncomplete(answer) ? "incomplete" : status);
        json.WriteString("model", answer.Model);
        json.WriteNull("error");
        if (isDone && IsIncomplete(answer))
        {
            json.WriteStartObject("incomplete_details");
            json.WriteString("reason", answer.FinishReason == "length" ? "max_output_tokens" : "content_filter");
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("incomplete_details");
        }

        json.WriteStartArray("output");
        var items = isDone ? Items(answer) : [];
        for (var index = 0; index < items.Count; index++)
        {
            WriteItem(json, items[index], index, isBegun: false);
        }

        json.WriteEndArray();
        json.WriteBoolean("parallel_tool_calls", true);
        json.WriteString("tool_choice", "auto");
        json.WriteStartArray("tools");
        json.WriteEndArray();
        if (isDone)
        {
            json.WriteStartObject("usage");
            json.WriteNumber("input_tokens", answer.InputTokens);
            json.WriteStartObject("input_tokens_details");
            json.WriteNumber("cached_tokens", 0);
            json.WriteEndObject();
            json.WriteNumber("output_tokens", answer.OutputTokens);
            json.WriteStartObject("output_tokens_details");
            json.WriteNumber("reasoning_tokens", 0);
            json.WriteEndObject();
            json.WriteNumber("total_tokens", answer.InputTokens + answer.OutputTokens);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("usage");
        }

        json.WriteEndObject();
    }

    private static void WriteItem(Utf8JsonWriter json, MessagePart item, int index, bool isBegun)
    {
        json.WriteStartObject();
        json.WriteString("id", ItemId(item, index));
        json.WriteString("status", isBegun ? "in_progress" : "completed");
        if (item.Kind == PartKind.ToolCall)
        {
            json.WriteString("type", "function_call");
            json.WriteString("call_id", CallId(item, index));
            json.WriteString("name", item.ToolName ?? "");
            json.WriteString("arguments", isBegun ? "" : item.Arguments ?? "{}");
        }
        else
        {
            json.WriteString("type", "message");
            json.WriteString("role", "assistant");
            json.WriteStartArray("content");
            if (!isBegun)
            {
                WriteContent(json, item.Kind, item.Text);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void WriteContent(Utf8JsonWriter json, PartKind kind, string text)
    {
        json.WriteStartObject();
        json.WriteString("type", kind == PartKind.Refusal ? "refusal" : "output_text");
        json.WriteString(kind == PartKind.Refusal ? "refusal" : "text", text);
        if (kind != PartKind.Refusal)
        {
            json.WriteStartArray("annotations");
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static bool IsIncomplete(RecordedAnswer answer) => answer.FinishReason is "length" or "content_filter";

    private static string ChatReason(RecordedAnswer answer) => answer.FinishReason switch
    {
        "tool_call" => "tool_calls",
        "length" or "content_filter" => answer.FinishReason,
        _ => "stop",
    };

    private static List<MessagePart> Calls(RecordedAnswer answer) => [.. answer.Parts.Where(static part => part.Kind == PartKind.ToolCall)];

    private static List<MessagePart> Items(RecordedAnswer answer) => [.. answer.Parts.Where(static part => part.Kind == PartKind.ToolCall || part.Text.Length > 0)];

    private static string TextOf(RecordedAnswer answer, PartKind kind) => string.Join('\n', answer.Parts.Where(part => part.Kind == kind).Select(static part => part.Text));

    private static string CallId(MessagePart call, int index) => call.CallId ?? string.Create(CultureInfo.InvariantCulture, $"call_{index}");

    private static string ItemId(MessagePart item, int index) => string.Create(CultureInfo.InvariantCulture, $"{(item.Kind == PartKind.ToolCall ? "fc" : "msg")}_{index}");

    private static void WriteTextOrNull(Utf8JsonWriter json, string name, string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            json.WriteNull(name);
        }
        else
        {
            json.WriteString(name, text);
        }
    }

    /// <summary>Several pieces, as a model streams: who handles one piece only is found out.</summary>
    private static IEnumerable<string> Pieces(string text)
    {
        const int Length = 24;
        for (var start = 0; start < text.Length;)
        {
            var end = Math.Min(text.Length, start + Length);
            end += end < text.Length && char.IsHighSurrogate(text[end - 1]) ? 1 : 0;
            yield return text[start..end];
            start = end;
        }
    }
}
