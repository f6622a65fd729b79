using OtlpTap.Tests.Documentation;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>A page posts feedback to a tap of another origin, in a browser that decides by itself what the page may.</summary>
public sealed class BrowserFeedbackTests
{
    private const string Trace = "0123456789abcdef0123456789abcdef";

    /// <summary>The page's code is the sample of docs/feedback.md, but for the address.</summary>
    [Fact]
    public async Task A_page_of_an_allowed_origin_posts_and_reads_the_answer_and_of_another_origin_neither()
    {
        var browser = Browser.Require();
        await using var page = await PageServer.StartAsync();
        await using var open = await TapAsync($", cors: {{ allowed_origins: ['{page.Origin}'] }}");
        await using var closed = await TapAsync(", cors: { allowed_origins: ['https://shop.example.com'] }");
        page.Script =
            $$"""
            const tell = said => fetch("/told", { method: "POST", body: JSON.stringify(said) });
            const outcome = work => work.then(ids => ({ ids }), problem => ({ name: problem.name, message: problem.message }));
            {{Sample("sendFeedback", open)}}
            {{Sample("sendElsewhere", closed)}}
            await tell({
              origin: location.origin,
              taken: await outcome(sendFeedback("{{Trace}}", "down", "wrong city")),
              refused: await outcome(sendFeedback("nonsense", "down")),
              elsewhere: await outcome(sendElsewhere("{{Trace}}", "down")),
            });
            """;

        var told = await browser.ShowAsync(page);

        Assert.Equal(page.Origin, told.GetProperty("origin").GetString());
        Assert.Equal(1, told.GetProperty("taken").GetProperty("ids").GetArrayLength());
        Assert.Equal(
            "the feedback is not valid, and none of it was taken\n`trace_id` must be 32 hexadecimal digits, not all of them 0",
            told.GetProperty("refused").GetProperty("message").GetString());
        Assert.Equal("TypeError", told.GetProperty("elsewhere").GetProperty("name").GetString());
        Assert.Equal(1, await TakenAsync(open));
        Assert.Equal(0, await TakenAsync(closed));
    }

    private static string Sample(string name, RunningTap tap) => Markdown.Read("docs/feedback.md").Blocks("js").Single()
        .Replace("sendFeedback", name, StringComparison.Ordinal)
        .Replace("http://127.0.0.1:4318", $"http://{tap.Host.HttpEndpoint}", StringComparison.Ordinal);

    private static Task<RunningTap> TapAsync(string http) => RunningTap.ConfiguredAsync(directory => $$"""
        receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:0'{{http}} } } } }
        processors: { tap: { corpus: { directory: '{{directory}}' } } }
        service: { admin: { endpoint: "127.0.0.1:0" }, pipelines: { traces: { receivers: [otlp], processors: [tap] } } }
        """);

    private static Task<double> TakenAsync(RunningTap tap) => tap.MetricAsync("otlptap_feedback_posted_total{status=\"accepted\"}");
}
