using OtlpTap.Cli;
using OtlpTap.Cli.Scoreboard;
using OtlpTap.Cli.Demo;
using OtlpTap.Cli.Replaying;
using OtlpTap.Hosting;

namespace OtlpTap;

internal static class Program
{
    private static Task<int> Main(string[] args) =>
        CommandLine.InvokeAsync(
            CommandLine.Create(TapCommand.RunAsync, InspectCommand.Create(), ScoreboardCommand.Create(), TryCommand.Create(), DemoCommand.Create(), HealthCommand.Create(), ReloadCommand.Create(), CasesCommand.Create(TimeProvider.System), PullCommand.Create(TimeProvider.System), ReplayCommand.Create(TimeProvider.System), AdviceCommand.Create()),
            args);
}
