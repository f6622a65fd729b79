using System.Diagnostics;
using System.IO.Compression;
using OtlpTap.Tests.Documentation;

namespace OtlpTap.Tests.Client;

/// <summary>The client as <c>dotnet pack</c> makes it, from what is restored already.</summary>
public sealed class PackedClient : IAsyncLifetime
{
    // Of a build on a machine that has other things to do.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Outside of the repository, whose properties hold for what lies in it.</summary>
    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("otlptap-client-").FullName;

    public string Version { get; } = typeof(OtlpTap.Client.TapClient).Assembly.GetName().Version!.ToString(3);

    public string Package => Path.Combine(Directory, $"OtlpTap.Client.{Version}.nupkg");

    public string Symbols => Path.Combine(Directory, $"OtlpTap.Client.{Version}.snupkg");

    public async ValueTask InitializeAsync()
    {
        var configuration = AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal) ? "Release" : "Debug";
        await DotnetAsync("pack", Markdown.InRepository("src/OtlpTap.Client"), "--no-restore", "--configuration", configuration, "--output", Directory);
    }

    public ValueTask DisposeAsync()
    {
        System.IO.Directory.Delete(Directory, recursive: true);
        return ValueTask.CompletedTask;
    }

    public ZipArchive Open() => ZipFile.OpenRead(Package);

    /// <summary>What the command prints; it must end with 0, and leaves no server behind.</summary>
    internal async Task<string> DotnetAsync(params string[] arguments)
    {
        using var deadline = new CancellationTokenSource(Patience);
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments)
        {
            WorkingDirectory = Directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}: exit {process.ExitCode}\n{await output}\n{await error}");
        return await output;
    }
}
