using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using OtlpTap.Cli.Replaying;
using OtlpTap.Replay;

namespace OtlpTap.Tests.Replay;

/// <summary>A case that the agent of tests/clients/agent made: its tool cannot read an amount with a comma.</summary>
internal static class SampleCase
{
    public const string Id = "14e4034120060567";

    public static string Folder => Path.Combine(AppContext.BaseDirectory, "Replay", "cases", "tool_error", Id);

    public static string AgentFolder([CallerFilePath] string thisFile = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "../../clients/agent"));

    public static ReplayCase Read() => ReplaySession.Read(Folder, out _, out _)!;

    /// <summary>Copies the corpus, for tests that change it.</summary>
    public static string Copy(string root)
    {
        var folder = Directory.CreateDirectory(Path.Combine(root, "tool_error", Id)).FullName;
        foreach (var file in Directory.GetFiles(Folder))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        return folder;
    }

    /// <summary>One tool's span as OTLP/JSON, a child of the run's.</summary>
    public static StringContent Span(string traceParent, bool hasFailed, string tool = "refund", string version = "2.0")
    {
        var parts = traceParent.Split('-');
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000;
        var status = hasFailed ? ""","status":{"code":2,"message":"not an amount"}""" : "";
        var error = hasFailed ? """,{"key":"error.type","value":{"stringValue":"RangeError"}}""" : "";
        var text = string.Create(CultureInfo.InvariantCulture, $$$"""
            {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"service.version","value":{"stringValue":"{{{version}}}"}}]},
            "scopeSpans":[{"scope":{"name":"test"},"spans":[{"traceId":"{{{parts[1]}}}","spanId":"00f067aa0ba902b7","parentSpanId":"{{{parts[2]}}}","name":"execute_tool {{{tool}}}","kind":1,
            "startTimeUnixNano":"{{{now}}}","endTimeUnixNano":"{{{now + 1000}}}","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"execute_tool"}},
            {"key":"gen_ai.tool.name","value":{"stringValue":"{{{tool}}}"}}{{{error}}}]{{{status}}}}]}]}]}
            """);
        return new StringContent(text, Encoding.UTF8, "application/json");
    }
}
