using System.Net;
using OtlpTap.Cli;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>What somebody reads who finds their way about the admin port with curl.</summary>
public sealed class AdminPortTests
{
    [Theory]
    [InlineData("/api/v1/health/shop", HttpStatusCode.NotFound, "nothing came of the service `shop` in the last hour; /api/v1/health says of whom something did")]
    [InlineData("/api/v1/advice?foo=1", HttpStatusCode.BadRequest, "`foo` is not known: there are `service`, `agent`, `tool`, `model` and `trace_id`")]
    [InlineData("/api/v1/nothing", HttpStatusCode.NotFound, "there is nothing here: / and /api/v1/openapi.json say what there is")]
    [InlineData("/v1/feedback", HttpStatusCode.NotFound, "this is the admin port: telemetry and feedback are posted to the OTLP/HTTP port")]
    public async Task Errors_are_sentences_that_can_be_read_as_they_come(string path, HttpStatusCode status, string error)
    {
        await using var tap = await RunningTap.StartAsync();

        using var answer = await GetAsync(tap, path);

        Assert.Equal((status, $$"""{"error":"{{error}}"}"""), (answer.StatusCode, await answer.Content.ReadAsStringAsync(Deadline.Token())));
    }

    [Theory]
    [InlineData("/api/v1/advice", "GET, HEAD")]
    [InlineData("/api/v1/cases", "GET")]
    public async Task A_method_that_is_not_taken_is_told_in_the_body_too(string path, string methods)
    {
        await using var tap = await RunningTap.StartAsync();
        using var http = new HttpClient();

        using var answer = await http.DeleteAsync(new Uri($"http://{tap.Host.AdminEndpoint}{path}"), Deadline.Token());

        Assert.Equal(
            (HttpStatusCode.MethodNotAllowed, $$"""{"error":"{{path}} takes {{methods}}, and not DELETE"}"""),
            (answer.StatusCode, await answer.Content.ReadAsStringAsync(Deadline.Token())));
    }

    [Fact]
    public async Task The_first_page_leads_only_to_what_there_is()
    {
        await using var tap = await RunningTap.StartAsync();
        var page = await tap.GetAsync("/");
        var links = page.Split("<a href=\"").Skip(1).Select(link => link.Split('"')[0]).ToList();

        Assert.Superset(new HashSet<string> { "/metrics", "/api/v1/advice", "/api/v1/health", "/api/v1/cases", "/api/v1/openapi.json" }, links.ToHashSet());
        foreach (var link in links)
        {
            using var answer = await GetAsync(tap, link);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Theory]
    [InlineData("navigate", "document", HttpStatusCode.OK)]
    [InlineData("navigate", "iframe", HttpStatusCode.Forbidden)]
    [InlineData("no-cors", "empty", HttpStatusCode.Forbidden)]
    public async Task A_link_of_another_site_leads_to_the_cases_and_its_scripts_do_not_read_them(string mode, string destination, HttpStatusCode status)
    {
        await using var tap = await RunningTap.StartAsync();
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-site");
        http.DefaultRequestHeaders.Add("Sec-Fetch-Mode", mode);
        http.DefaultRequestHeaders.Add("Sec-Fetch-Dest", destination);

        foreach (var path in (string[])["/api/v1/cases?failure=tool_error", "/api/v1/advice"])
        {
            using var answer = await http.GetAsync(new Uri($"http://{tap.Host.AdminEndpoint}{path}"), Deadline.Token());
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Who_lists_advice_reads_since_when_to_the_second_and_the_whole_reason()
    {
        var reason = $"{new string('w', 100)} to the end";
        await using var tap = await RunningTap.StartAsync(tap: $"advice: {{ interval: 100ms, policies: [{{ name: tool-failing, parameters: {{ fallback_tool: search_backup, tries: 3 }}, reason: '{reason}' }}] }}");
        for (var trace = 1; trace <= 6; trace++)
        {
            await tap.ExportAsync(Signal.Traces, new TraceBuilder().Trace((byte)trace).Resource("shop").Span("execute_tool search", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "search")).Failed("no connection").ToBytes());
        }

        await Deadline.UntilAsync(() => tap.Host.Advice.Current.Items.Count > 0, "the tool is advised against");
        using var output = new StringWriter();
        using var error = new StringWriter();
        var root = CommandLine.Create((_, _) => Task.FromResult(0), AdviceCommand.Create());

        Assert.Equal(0, await CommandLine.InvokeAsync(root, ["advice", "list", "--endpoint", tap.Host.AdminEndpoint.ToString()], output, error));

        Assert.Matches(@"\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  reroute  tool-failing  shop ", output.ToString());
        Assert.Contains($"  fallback_tool=search_backup tries=3  {reason}\n", output.ToString(), StringComparison.Ordinal);
    }

    private static async Task<HttpResponseMessage> GetAsync(RunningTap tap, string path)
    {
        using var http = new HttpClient();
        return await http.GetAsync(new Uri($"http://{tap.Host.AdminEndpoint}{path}"), Deadline.Token());
    }
}
