using System.CommandLine;

namespace OtlpTap.Cli;

/// <summary><c>otlptap health</c>: for container health checks, where there is no shell and no curl.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        var endpoint = new Option<string>("--endpoint") { Description = "The admin endpoint of a running tap.", HelpName = "HOST:PORT", DefaultValueFactory = _ => "127.0.0.1:8888" };
        var command = new Command("health", "Ask a running tap whether it is alive: exits 0, or 1 with the reason.") { endpoint };
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(endpoint)!, parsed.InvocationConfiguration.Error, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string endpoint, TextWriter error, CancellationToken cancellation)
    {
        if (!Uri.TryCreate($"http://{endpoint}/healthz", UriKind.Absolute, out var uri))
        {
            error.WriteLine($"`{endpoint}` is no HOST:PORT");
            return 1;
        }

        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout };
        try
        {
            using var response = await client.GetAsync(uri, cancellation);
            if (response.IsSuccessStatusCode)
            {
                return 0;
            }

            error.WriteLine($"{uri} answered {(int)response.StatusCode}");
        }
        catch (Exception unreachable) when (unreachable is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            error.WriteLine($"{uri}: {unreachable.Message}");
        }

        return 1;
    }
}
