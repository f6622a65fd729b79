using Microsoft.Extensions.Time.Testing;
using OtlpTap.Cli;
using OtlpTap.Pull;

namespace OtlpTap.Tests.Pull;

public sealed class PullConsoleTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_terminal_gets_a_bar_that_is_drawn_over_and_goes_at_the_end()
    {
        var shown = Show(isQuiet: false, isBar: true);
        Assert.StartsWith("\r[############............] 50 % 5 traces, 2 failing, 1 cases", shown, StringComparison.Ordinal);
        Assert.EndsWith("\r", shown, StringComparison.Ordinal);
        Assert.Contains("\r" + "a trace is missing" + "\n", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_gets_a_line_now_and_then() =>
        Assert.Equal("a trace is missing\n50 % 5 traces, 2 failing, 1 cases\n", Show(isQuiet: false, isBar: false));

    [Fact]
    public void Quiet_says_what_went_wrong_alone() => Assert.Equal("a trace is missing\n", Show(isQuiet: true, isBar: false));

    private string Show(bool isQuiet, bool isBar)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using (var console = new PullConsole(output, isQuiet, isBar, _time))
        {
            var progress = new PullProgress(0.5, 5, 2, 1, 0, 0);
            _time.Advance(TimeSpan.FromSeconds(1));
            console.Progressed(progress);
            console.Progressed(progress);
            console.Said("a trace is missing");
            _time.Advance(TimeSpan.FromSeconds(10));
            console.Progressed(progress);
        }

        return output.ToString();
    }
}
