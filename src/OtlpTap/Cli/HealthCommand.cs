using System.CommandLine;

namespace OtlpTap.Cli;

/// <summary><c>otlptap health</c>: for container health checks, where there is no shell and no curl.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        var admin = new AdminClient();
        var command = new Command("health", "Ask a running tap whether it is alive: exits 0, or 1 with the reason.");
        foreach (var option in admin.Options)
        {
            command.Add(option);
        }

        command.SetAction(async (parsed, cancellation) =>
        {
            var error = parsed.InvocationConfiguration.Error;
            if (await admin.SendAsync(HttpMethod.Get, "/healthz", parsed, Timeout, error, cancellation) is not var (uri, status, _))
            {
                return 1;
            }

            if (status != 200)
            {
                error.WriteLine(AdminClient.Refusal(uri, status));
                return 1;
            }

            parsed.InvocationConfiguration.Output.WriteLine($"alive: {uri}");
            return 0;
        });
        return command;
    }
}
