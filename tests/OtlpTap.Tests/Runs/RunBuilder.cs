using System.Globalization;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Runs;

namespace OtlpTap.Tests.Runs;

/// <summary>Spans of one trace, each started a second after the one before it, and read as a run.</summary>
internal sealed class RunBuilder(string scope = "agent.library")
{
    private readonly TraceBuilder _trace = new TraceBuilder().Scope(scope);
    private readonly ExportLogsServiceRequest _logs = new() { ResourceLogs = { new ResourceLogs { ScopeLogs = { new ScopeLogs() } } } };
    private byte _count;

    /// <param name="parent">The number of the parent among the spans, from 1; 0: a root.</param>
    public RunBuilder Span(byte parent, string name, params (string Key, object? Value)[] attributes)
    {
        _trace.Span(name, attributes);
        _count++;
        if (parent > 0)
        {
            _trace.LastSpan.ParentSpanId = TraceBuilder.SpanIdBytes(parent);
        }

        _trace.LastSpan.StartTimeUnixNano += _count * 1_000_000_000UL;
        _trace.LastSpan.EndTimeUnixNano += _count * 1_000_000_000UL;
        return this;
    }

    public RunBuilder Event(string name, params (string Key, object? Value)[] attributes)
    {
        _trace.Event(name, attributes);
        return this;
    }

    public RunBuilder Failed(string message)
    {
        _trace.Failed(message);
        return this;
    }

    /// <summary>A log record of the last span.</summary>
    public RunBuilder Log(string name, params (string Key, object? Value)[] attributes)
    {
        _logs.ResourceLogs[0].ScopeLogs[0].LogRecords.Add(new LogRecord
        {
            TraceId = _trace.LastSpan.TraceId,
            SpanId = _trace.LastSpan.SpanId,
            EventName = name,
            Attributes = { attributes.Select(attribute => TraceBuilder.Attribute(attribute.Key, attribute.Value)) },
        });
        return this;
    }

    public AgentRun Read(RunLimits? limits = null) => Assert.Single(AgentRunReader.Read(_trace.ToBytes(), _logs.ToByteArray(), limits ?? RunLimits.Default));

    /// <summary>One step of one span.</summary>
    public static RunStep Step(string name, params (string Key, object? Value)[] attributes) =>
        Assert.Single(new RunBuilder().Span(0, name, attributes).Read().Steps);

    /// <summary>Each message as <c>Role: part | part</c>.</summary>
    public static string[] Tell(IEnumerable<Message> messages) =>
        [.. messages.Select(message => $"{message.Role}: {string.Join(" | ", message.Parts.Select(Tell))}")];

    private static string Tell(MessagePart part) => part.Kind switch
    {
        PartKind.ToolCall => string.Create(CultureInfo.InvariantCulture, $"{part.ToolName}({part.Arguments}) {part.CallId}").TrimEnd(),
        PartKind.ToolResult => string.Create(CultureInfo.InvariantCulture, $"{part.CallId} = {part.Text}{(part.IsError ? " !" : "")}").TrimStart(),
        PartKind.Text => part.Text,
        _ => $"[{part.Kind}] {part.Text}",
    };
}
