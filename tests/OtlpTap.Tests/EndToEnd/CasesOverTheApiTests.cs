using System.Net.Http.Json;
using System.Text.Json;
using Google.Protobuf;
using OtlpTap.Cli;
using OtlpTap.Otlp;
using OtlpTap.Tests.Documentation;
using OtlpTap.Tests.Forward;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>A running tap, its API and the command line speak of the same cases.</summary>
public sealed class CasesOverTheApiTests
{
    [Fact]
    public async Task A_case_that_is_muted_over_the_API_is_muted_on_the_command_line_and_counted_by_the_tap()
    {
        await using var tap = await RunningTap.StartAsync();
        await tap.ExportAsync(Signal.Traces, Failing(1));
        await tap.CaseFilesAsync("case.json", 1);
        var listed = (await CasesAsync(tap)).Single();
        var id = listed.GetProperty("id").GetString()!;

        using var http = new HttpClient { BaseAddress = new Uri($"http://{tap.Host.AdminEndpoint}") };
        using var answer = await http.PostAsync(new Uri($"/api/v1/cases/{id}", UriKind.Relative), JsonContent.Create(JsonDocument.Parse("""{"status":"muted","reason":"known"}""").RootElement), TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();

        await using var output = new StringWriter();
        await using var error = new StringWriter();
        Assert.Equal(0, await CommandLine.InvokeAsync(CommandLine.Create((_, _) => Task.FromResult(0), CasesCommand.Create(TimeProvider.System)), ["cases", "list", "--status", "muted", "-d", tap.Directory], output, error));
        Assert.Contains(id, output.ToString(), StringComparison.Ordinal);

        // Long before the tap would write its counts by itself.
        await tap.ExportAsync(Signal.Traces, Failing(2));
        await Deadline.UntilAsync(async () => (await CasesAsync(tap)).Single().GetProperty("count").GetInt32() == 2, "the second occurrence is counted");
        Assert.Equal("muted", (await CasesAsync(tap)).Single().GetProperty("status").GetString());
    }

    [Fact]
    public async Task Commands_of_the_page_do_what_it_says()
    {
        await using var tap = await RunningTap.StartAsync();
        await tap.ExportAsync(Signal.Traces, Failing(1));
        await tap.CaseFilesAsync("case.json", 1);
        var id = (await CasesAsync(tap)).Single().GetProperty("id").GetString()!;
        using var http = new HttpClient();
        var answers = new List<JsonElement>();
        foreach (var command in Markdown.Read("docs/cases-api.md").Commands())
        {
            var words = command["curl ".Length..].Replace("FINGERPRINT", id, StringComparison.Ordinal).Replace("127.0.0.1:8888", tap.Host.AdminEndpoint.ToString(), StringComparison.Ordinal).Split(" -d ");
            var url = words[0].Replace("-X POST ", "", StringComparison.Ordinal).Trim('\'');
            using var body = words.Length > 1 ? new StringContent(words[1].Trim('\'')) : null;
            using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, new Uri($"http://{url}")) { Content = body };
            using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
            answer.EnsureSuccessStatusCode();
            using var json = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
            answers.Add(json.RootElement.Clone());
        }

        Assert.Equal(3, answers.Count);
        Assert.Equal(1, answers[0].GetProperty("total").GetInt32());
        Assert.Equal(1, answers[1].GetProperty("seen").GetProperty("count").GetInt32());
        Assert.Equal("2.1", answers[2].GetProperty("case").GetProperty("fixed_in").GetString());
    }

    private static byte[] Failing(int trace)
    {
        var span = Span(trace, 1, failed: true);
        span.Name = "execute_tool search";
        span.Attributes.Add(new OpenTelemetry.Proto.Common.V1.KeyValue { Key = "gen_ai.operation.name", Value = new() { StringValue = "execute_tool" } });
        span.Attributes.Add(new OpenTelemetry.Proto.Common.V1.KeyValue { Key = "gen_ai.tool.name", Value = new() { StringValue = "search" } });
        return Request(span).ToByteArray();
    }

    private static async Task<JsonElement[]> CasesAsync(RunningTap tap)
    {
        using var json = JsonDocument.Parse(await tap.GetAsync("/api/v1/cases"));
        return [.. json.RootElement.GetProperty("cases").Clone().EnumerateArray()];
    }
}
