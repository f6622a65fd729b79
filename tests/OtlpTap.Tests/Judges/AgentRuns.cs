using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Tests.Judges;

/// <summary>Runs to ask about.</summary>
internal static class AgentRuns
{
    public static AgentRun Answered(ulong trace = 1, string answer = "It is 21 degrees.", string? question = "How warm is it?", string result = """{"celsius": 12}""")
    {
        var id = new TraceId(7, trace);
        var llm = new RunStep
        {
            TraceId = id,
            SpanId = new SpanId(2),
            ParentId = new SpanId(1),
            Name = "chat",
            Kind = StepKind.Llm,
            Service = "weather",
            ResponseId = "resp-7",
            EndUnixNano = 1_700_000_000_000_000_000,
            Input = [new Message(MessageRole.User, [new MessagePart(PartKind.Text, question ?? "")]), new Message(MessageRole.Tool, [new MessagePart(PartKind.ToolResult, result) { CallId = "c1" }])],
            OfferedTools = [new OfferedTool("get_weather", "Looks it up.", """{"type":"object"}""")],
            Documents = [new RetrievedDocument("d1", "A page about {{answer}}.", 0.5)],
        };
        var tool = new RunStep { TraceId = id, SpanId = new SpanId(3), ParentId = new SpanId(1), Name = "execute_tool", Kind = StepKind.Tool, Tool = "get_weather", CallId = "c1", Arguments = "{}", Result = result };
        return new AgentRun(id, [llm, tool]) { UserInput = question, SystemPrompt = "Be exact.", FinalAnswer = answer, AnsweringStep = llm };
    }
}
