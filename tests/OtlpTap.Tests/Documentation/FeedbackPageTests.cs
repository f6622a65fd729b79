using System.Text.RegularExpressions;
using OtlpTap.Otlp;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Documentation;

/// <summary>The samples of docs/feedback.md, run as they stand there but for the port and the trace.</summary>
public sealed partial class FeedbackPageTests : IAsyncLifetime
{
    private static readonly Markdown Page = Markdown.Read("docs/feedback.md");

    private RunningTap _tap = null!;

    public async ValueTask InitializeAsync()
    {
        _tap = await RunningTap.StartAsync();
        await _tap.ExportAsync(Signal.Traces, new TraceBuilder().Trace(7).Resource("shop").Span("chat").ToBytes());
    }

    public ValueTask DisposeAsync() => _tap.DisposeAsync();

    [Fact]
    public async Task The_command_is_answered_as_the_page_shows()
    {
        var words = Word().Matches(Here(Assert.Single(Page.Commands()))).Select(word => word.Value.Trim('\'')).ToList();
        Assert.Equal("curl", words[0]);

        Assert.Equal(Shape(Page.Blocks("json").Single()), Shape(await RunAsync(ExternalProgram.Require("curl", "curl"), ["--silent", .. words[1..]])));

        await IsToldAsync();
    }

    [Fact]
    public async Task The_function_in_Python_posts()
    {
        var sample = $"{Here(Page.Blocks("python").Single())}\nprint(send_feedback('{new TraceId(0, 7)}', 'down', 'wrong city')[0])";

        Assert.StartsWith("fb_", await RunAsync(ExternalProgram.Require("python3", "python3"), ["-c", sample]), StringComparison.Ordinal);

        await IsToldAsync();
    }

    [Fact]
    public async Task The_function_in_JavaScript_posts_and_tells_what_is_wrong()
    {
        var sample = $$"""
            {{Here(Page.Blocks("js").Single())}}
            const [id] = await sendFeedback("{{new TraceId(0, 7)}}", "down", "wrong city");
            const error = await sendFeedback("{{new TraceId(0, 7)}}", "sideways").catch(error => error.message);
            console.log(JSON.stringify([id.length, error]));
            """;

        Assert.Equal(
            """[36,"the feedback is not valid, and none of it was taken\n`thumbs` must be \"up\" or \"down\""]""",
            (await RunAsync(ExternalProgram.Require("node", "nodejs"), ["--input-type=module", "-e", sample])).Trim());

        await IsToldAsync();
    }

    private string Here(string sample) => sample.Replace("127.0.0.1:4318", _tap.Host.HttpEndpoint.ToString(), StringComparison.Ordinal).Replace("TRACE_ID", $"{new TraceId(0, 7)}", StringComparison.Ordinal);

    private Task IsToldAsync() => Deadline.UntilAsync(async () => await _tap.MetricAsync("otlptap_feedback_total{service=\"shop\",agent=\"\",value=\"negative\"}") == 1, "the tap has counted it");

    private static string Shape(string answer) => Id().Replace(answer, "fb_").Replace(" ", "", StringComparison.Ordinal).Trim();

    private static async Task<string> RunAsync(ExternalProgram program, IEnumerable<string> arguments)
    {
        var run = await program.RunAsync(arguments, input: null, Deadline.Token());
        Assert.True(run.ExitCode == 0, run.Error);
        return run.Output;
    }

    [GeneratedRegex("'[^']*'|[^' ]+")]
    private static partial Regex Word();

    [GeneratedRegex("fb_[0-9a-f]{32}")]
    private static partial Regex Id();
}
