using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace OtlpTap.Replay;

/// <summary>An agent that is started for each run: input on standard input, what it needs to know in its environment.</summary>
internal sealed class CommandAgent(string command) : IAgentUnderTest
{
    // What a report can show of a program's last words; the rest is read and forgotten.
    private const int WordsMax = 2000;

    // These would send the run's telemetry elsewhere than where it is judged.
    private static readonly string[] Overruled =
    [
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_SDK_DISABLED", "TRACESTATE",
    ];

    public async Task<string?> RunAsync(ReplayRun run, ReplayAddresses addresses, CancellationToken cancellation)
    {
        var start = OperatingSystem.IsWindows() ? new ProcessStartInfo("cmd.exe", ["/c", command]) : new ProcessStartInfo("/bin/sh", ["-c", command]);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        Prepare(start.Environment, run, addresses);
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception notStarted)
        {
            return $"the command cannot be started: {notStarted.Message}";
        }

        using (process)
        {
            try
            {
                var output = LastWordsAsync(process.StandardOutput, cancellation);
                var error = LastWordsAsync(process.StandardError, cancellation);
                await GiveInputAsync(process, run.Case.Input, cancellation);
                await process.WaitForExitAsync(cancellation);
                var words = (await error).Trim() is { Length: > 0 } said ? said : (await output).Trim();
                return process.ExitCode == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"the command ended with exit code {process.ExitCode}{(words.Length > 0 ? ": " : "")}{words}");
            }
            finally
            {
                if (!process.HasExited)
                {
                    process.Kill(entireProcessTree: true);
                }
            }
        }
    }

    private static async Task GiveInputAsync(Process process, string input, CancellationToken cancellation)
    {
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellation);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended, or closed its input, before it had read all: its exit code says whether that was well.
        }
    }

    private static void Prepare(IDictionary<string, string?> environment, ReplayRun run, ReplayAddresses addresses)
    {
        foreach (var name in Overruled)
        {
            environment.Remove(name);
        }

        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = addresses.Otlp.ToString().TrimEnd('/');
        environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        var attributes = environment.TryGetValue("OTEL_RESOURCE_ATTRIBUTES", out var own) && !string.IsNullOrEmpty(own) ? own + "," : "";
        environment["OTEL_RESOURCE_ATTRIBUTES"] = $"{attributes}{ReplayRun.RunAttribute}={run.TraceId}";
        environment["TRACEPARENT"] = run.TraceParent;
        environment["OTLPTAP_CASE"] = run.Case.Id;
        if (addresses.Model is { } model)
        {
            // A key has to be there, and a real one has no business with a stub.
            environment["OPENAI_BASE_URL"] = environment["OPENAI_API_BASE"] = model.ToString();
            environment["OPENAI_API_KEY"] = "recorded";
        }

        if (addresses.Tools is { } tools)
        {
            environment["OTLPTAP_TOOLS_URL"] = tools.ToString();
            environment["OTLPTAP_MCP_URL"] = addresses.Mcp?.ToString();
        }
    }

    private static async Task<string> LastWordsAsync(StreamReader reader, CancellationToken cancellation)
    {
        var words = "";
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer, cancellation) is var count and > 0)
        {
            words += new string(buffer, 0, count);
            words = words.Length > WordsMax ? words[^WordsMax..] : words;
        }

        return words;
    }
}
