using System.CommandLine;

namespace OtlpTap.Cli;

/// <summary><c>otlptap reload</c>: tells a running tap to read its configuration files again, as SIGHUP does, and shows what came of it.</summary>
internal static class ReloadCommand
{
    /// <summary>New listeners are opened and new upstreams looked for meanwhile.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        var admin = new AdminClient();
        var command = new Command(
            "reload",
            "Tell a running tap to read its configuration again. No request, connection or record is lost; an invalid configuration changes nothing. Exits 0, or 1 with the reasons.");
        foreach (var option in admin.Options)
        {
            command.Add(option);
        }

        command.SetAction(async (parsed, cancellation) =>
        {
            var configuration = parsed.InvocationConfiguration;
            if (await admin.SendAsync(HttpMethod.Post, "/-/reload", parsed, Timeout, configuration.Error, cancellation) is not var (uri, status, text))
            {
                return 1;
            }

            var isReloaded = status == 200;
            await (isReloaded ? configuration.Output : configuration.Error).WriteAsync(isReloaded || status == 422 ? text : $"{AdminClient.Refusal(uri, status, text)}\n");
            return isReloaded ? 0 : 1;
        });
        return command;
    }
}
