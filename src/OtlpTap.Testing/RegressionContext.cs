using System.Diagnostics;
using OtlpTap.Replay;

namespace OtlpTap.Testing;

/// <summary>What an agent needs to know for one run.</summary>
public sealed class RegressionContext
{
    internal RegressionContext(ReplayRun run, ReplayAddresses addresses)
    {
        Input = run.Case.Input;
        TraceParent = run.TraceParent;
        OtlpEndpoint = addresses.Otlp;
        ModelUrl = addresses.Model;
        ToolsUrl = addresses.Tools;
        McpUrl = addresses.Mcp;
    }

    /// <summary>What the user asked.</summary>
    public string Input { get; }

    /// <summary>The W3C trace context under which the run's spans are known.</summary>
    public string TraceParent { get; }

    /// <summary>The same for <see cref="ActivitySource.StartActivity(string, ActivityKind, ActivityContext, IEnumerable{KeyValuePair{string, object?}}, IEnumerable{ActivityLink}, DateTimeOffset)"/>.</summary>
    public ActivityContext Parent => ActivityContext.Parse(TraceParent, null);

    /// <summary>Takes OTLP/HTTP; the paths <c>/v1/traces</c> and <c>/v1/logs</c> come behind it.</summary>
    public Uri OtlpEndpoint { get; }

    /// <summary>OpenAI's interfaces with the recorded answers; null without <see cref="RegressionSettings.StubModel"/>.</summary>
    public Uri? ModelUrl { get; }

    /// <summary>The recorded tools over plain HTTP, a POST to the tool's name; null without <see cref="RegressionSettings.StubTools"/>.</summary>
    public Uri? ToolsUrl { get; }

    /// <summary>The recorded tools over MCP; null without <see cref="RegressionSettings.StubTools"/>.</summary>
    public Uri? McpUrl { get; }
}
