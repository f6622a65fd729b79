using System.CommandLine;
using System.CommandLine.Invocation;
using System.Globalization;
using System.Text.Json;

namespace OtlpTap.Cli;

/// <summary><c>otlptap advice</c>: what a running tap advises agents to do, and whether it helped.</summary>
internal static class AdviceCommand
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    public static Command Create() => new("advice", "Show what a running tap advises agents to do about their health, and whether it helped.") { CreateList(), CreateReport() };

    private static Command CreateList()
    {
        Option<string?>[] filters = [Concerning("service"), Concerning("agent"), Concerning("tool"), Concerning("model")];
        return Create("list", "List the advice that is in force. Exits 0, or 1 when the tap does not answer.", "/api/v1/advice", filters, ["table", "json"], static (body, format, output) => WriteList(body, output));
    }

    private static Option<string?> Concerning(string name) => new($"--{name}") { Description = $"Only what concerns this {name}." };

    private static Command CreateReport()
    {
        Option<string?>[] filters = [new("--policy") { Description = "Only this policy." }, new("--service") { Description = "Only this service." }];
        return Create(
            "report",
            "Show whether advice helped: how runs went that had it, against those that chance kept it from. Exits 0, or 1 when the tap does not answer.",
            "/api/v1/advice/report",
            filters,
            ["table", "json", "markdown"],
            static (body, format, output) => new EffectText(output, format == "markdown").Write(body));
    }

    private static Command Create(string name, string description, string path, Option<string?>[] filters, string[] formats, Action<JsonElement, string, TextWriter> write)
    {
        var admin = new AdminClient();
        var format = new Option<string>("--format") { Description = $"{string.Join(", ", formats)}.", DefaultValueFactory = _ => formats[0] };
        format.AcceptOnlyFromAmong(formats);
        var command = new Command(name, description) { format };
        foreach (var option in filters.Concat(admin.Options))
        {
            command.Add(option);
        }

        command.SetAction(async (parsed, cancellation) =>
        {
            var io = parsed.InvocationConfiguration;
            var query = string.Join('&', filters.Where(filter => parsed.GetValue(filter) is { Length: > 0 }).Select(filter => $"{filter.Name.TrimStart('-')}={Uri.EscapeDataString(parsed.GetValue(filter)!)}"));
            if (await admin.SendAsync(HttpMethod.Get, query.Length > 0 ? $"{path}?{query}" : path, parsed, Timeout, io.Error, cancellation) is not var (uri, status, text))
            {
                return 1;
            }

            return Show(uri, status, text, parsed.GetValue(format)!, write, io);
        });
        return command;
    }

    private static int Show(Uri uri, int status, string text, string format, Action<JsonElement, string, TextWriter> write, InvocationConfiguration io)
    {
        try
        {
            using var body = JsonDocument.Parse(text);
            if (status == 200)
            {
                if (format == "json")
                {
                    io.Output.WriteLine(text);
                }
                else
                {
                    write(body.RootElement, format, io.Output);
                }

                return 0;
            }

            io.Error.WriteLine(status != 401 && body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.TryGetProperty("error", out var error) ? error.ToString() : AdminClient.Refusal(uri, status));
        }
        catch (JsonException)
        {
            io.Error.WriteLine(AdminClient.Refusal(uri, status));
        }
        catch (Exception other) when (other is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            io.Error.WriteLine($"{uri}: the answer is not a tap's, or one of another version");
        }

        return 1;
    }

    private static void WriteList(JsonElement body, TextWriter output)
    {
        var table = new TextTable("since", "advice", "policy", "service", "agent", "tool", "model", "~parameters", "~why");
        foreach (var item in body.GetProperty("advice").EnumerateArray())
        {
            string? Text(string name) => item.TryGetProperty(name, out var text) ? text.GetString() : null;
            table.Add(item.GetProperty("since").GetDateTimeOffset().UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), Text("advice"), Text("policy"), Text("service"), Text("agent"), Text("tool"), Text("model"), Parameters(item), Text("reason"));
        }

        static string Parameters(JsonElement item) => string.Join(' ', item.GetProperty("parameters").EnumerateObject().Select(parameter => $"{parameter.Name}={parameter.Value.GetString()}"));

        if (table.IsEmpty)
        {
            output.WriteLine("no advice");
        }
        else
        {
            table.WriteTo(output, isMarkdown: false);
        }
    }
}
