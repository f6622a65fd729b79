using System.Collections.Frozen;
using OtlpTap.Runs.Content;
using OtlpTap.Runs.Telemetry;

namespace OtlpTap.Runs.Dialects;

/// <summary>What a span is, by what its instrumentation says of it. The most specific dialect is asked first, as many write OpenTelemetry's names as well.</summary>
internal static class StepKinds
{
    /// <summary>A chain is a workflow of its own, or a step within one: which, only its ancestors tell.</summary>
    internal readonly record struct Answer(StepKind Kind, bool IsChain = false);

    private static readonly Answer Other = new(StepKind.Other);
    private static readonly Answer Chain = new(StepKind.Workflow, IsChain: true);

    private static readonly FoldedWords<Answer> Genkit = new(
        ("model backgroundmodel", new(StepKind.Llm)), ("tool tool.v2", new(StepKind.Tool)), ("agent", new(StepKind.Agent)), ("flow", new(StepKind.Workflow)),
        ("retriever reranker", new(StepKind.Retrieval)), ("embedder", new(StepKind.Embedding)), ("evaluator", new(StepKind.Evaluator)), ("prompt executableprompt flowstep", new(StepKind.Step)));

    private static readonly FoldedWords<Answer> Langfuse = new(
        ("generation", new(StepKind.Llm)), ("tool", new(StepKind.Tool)), ("agent", new(StepKind.Agent)), ("chain", Chain), ("retriever", new(StepKind.Retrieval)),
        ("embedding", new(StepKind.Embedding)), ("evaluator", new(StepKind.Evaluator)), ("guardrail", new(StepKind.Guardrail)));

    private static readonly FoldedWords<Answer> Mastra = new(
        ("agentrun", new(StepKind.Agent)), ("modelgeneration", new(StepKind.Llm)), ("modelstep modelinference modelchunk workflowstep workflowloop workflowparallel workflowconditional workflowconditionaleval", new(StepKind.Step)),
        ("toolcall mcptoolcall clienttoolcall", new(StepKind.Tool)), ("workflowrun", new(StepKind.Workflow)), ("ragembedding", new(StepKind.Embedding)), ("ragvectoroperation", new(StepKind.Retrieval)), ("scorerrun scorerstep", new(StepKind.Evaluator)), ("processorrun", new(StepKind.Guardrail)));

    private static readonly FoldedWords<Answer> OpenInference = new(
        ("llm", new(StepKind.Llm)), ("tool", new(StepKind.Tool)), ("agent", new(StepKind.Agent)), ("chain prompt", Chain), ("retriever reranker", new(StepKind.Retrieval)),
        ("embedding", new(StepKind.Embedding)), ("evaluator", new(StepKind.Evaluator)), ("guardrail", new(StepKind.Guardrail)));

    private static readonly FoldedWords<Answer> Operation = new(
        ("invokeagent createagent agent", new(StepKind.Agent)), ("invokeworkflow workflow", new(StepKind.Workflow)), ("plan agentstep step handoff task executeeventloopcycle", new(StepKind.Step)),
        ("chat generatecontent textcompletion completion completions responses generate message messages", new(StepKind.Llm)), ("executetool tool toolcall calltool mcptool", new(StepKind.Tool)),
        ("retrieval retrieve searchmemory rerank", new(StepKind.Retrieval)), ("embeddings embedding embed", new(StepKind.Embedding)),
        ("guardrail.run guard guardrail applyguardrail", new(StepKind.Guardrail)), ("evaluate evaluation", new(StepKind.Evaluator)), ("chain", Chain));

    private static readonly FoldedWords<Answer> LangSmith = new(
        ("llm", new(StepKind.Llm)), ("tool", new(StepKind.Tool)), ("chain", Chain), ("retriever", new(StepKind.Retrieval)), ("embedding", new(StepKind.Embedding)), ("prompt parser", new(StepKind.Step)));

    private static readonly FoldedWords<Answer> Mlflow = new(
        ("llm chatmodel", new(StepKind.Llm)), ("tool", new(StepKind.Tool)), ("agent", new(StepKind.Agent)), ("chain", Chain), ("workflow", new(StepKind.Workflow)), ("retriever reranker memory", new(StepKind.Retrieval)),
        ("embedding", new(StepKind.Embedding)), ("parser task", new(StepKind.Step)), ("guardrail", new(StepKind.Guardrail)), ("evaluator", new(StepKind.Evaluator)));

    private static readonly FoldedWords<Answer> AiSdk = new(
        ("ai.generatetext ai.streamtext ai.generateobject ai.streamobject ai.agent", new(StepKind.Agent)),
        ("ai.generatetext.dogenerate ai.streamtext.dostream ai.generateobject.dogenerate ai.streamobject.dostream", new(StepKind.Llm)),
        ("ai.toolcall", new(StepKind.Tool)), ("ai.embed ai.embedmany ai.embed.doembed ai.embedmany.doembed", new(StepKind.Embedding)), ("ai.rerank ai.rerank.dorerank", new(StepKind.Retrieval)));

    private static readonly FoldedWords<Answer> Traceloop = new(
        ("workflow", new(StepKind.Workflow)), ("agent", new(StepKind.Agent)), ("task", new(StepKind.Step)), ("tool", new(StepKind.Tool)));

    private static readonly FoldedWords<Answer> RequestType = new(
        ("chat completion", new(StepKind.Llm)), ("embedding", new(StepKind.Embedding)), ("rerank", new(StepKind.Retrieval)));

    /// <summary>Which attribute is asked, and what its values mean; a value that means nothing here leaves the question to the next one.</summary>
    internal static readonly (string Key, FoldedWords<Answer> Values)[] Attributes =
    [
        ("genkit:metadata:subtype", Genkit),
        ("langfuse.observation.type", Langfuse),
        ("mastra.span.type", Mastra),
        ("openinference.span.kind", OpenInference),
        ("gen_ai.operation.name", Operation),
        ("ai.operationId", AiSdk),
        ("langsmith.span.kind", LangSmith),
        ("mlflow.spanType", Mlflow),
        ("traceloop.span.kind", Traceloop),
        ("llm.request.type", RequestType),
        ("lk.span.type", Operation),
    ];

    /// <summary>Names of spans that no attribute explains.</summary>
    internal static readonly (string Start, StepKind Kind)[] Names =
    [
        ("invoke_agent", StepKind.Agent),
        ("create_agent", StepKind.Agent),
        ("agent run", StepKind.Agent),
        ("invoke_workflow", StepKind.Workflow),
        ("workflow.session", StepKind.Workflow),
        ("executor.process", StepKind.Step),
        ("orchestrate_tools", StepKind.Step),
        ("execute_agent_loop_cycle", StepKind.Step),
        ("execute_event_loop_cycle", StepKind.Step),
        ("running tools", StepKind.Step),
        ("running tool", StepKind.Tool),
        ("execute_tool ", StepKind.Tool),
        ("tools/call ", StepKind.Tool),
        ("call_llm", StepKind.Llm),
    ];

    /// <summary>What only one kind of span carries.</summary>
    internal static readonly (string Key, StepKind Kind)[] Marks =
    [
        ("ai.toolCall.name", StepKind.Tool),
        ("gen_ai.tool.call.arguments", StepKind.Tool),
        ("gen_ai.tool.call.id", StepKind.Tool),
        ("tool_arguments", StepKind.Tool),
        ("llm.input_messages.0.message.role", StepKind.Llm),
        ("gen_ai.prompt.0.role", StepKind.Llm),
        ("gen_ai.prompt.0.content", StepKind.Llm),
        ("gen_ai.response.model", StepKind.Llm),
        ("gen_ai.input.messages", StepKind.Llm),
        ("llm.model_name", StepKind.Llm),
        ("retrieval.documents.0.document.content", StepKind.Retrieval),
        ("gen_ai.retrieval.documents", StepKind.Retrieval),
        ("gen_ai.retrieval.query.text", StepKind.Retrieval),
        ("gen_ai.guardrail.name", StepKind.Guardrail),
        ("guardrail.triggered", StepKind.Guardrail),
        ("gen_ai.tool.name", StepKind.Tool),
        ("tool.name", StepKind.Tool),
        ("gen_ai.agent.call.id", StepKind.Agent),
        ("gen_ai.request.model", StepKind.Llm),
    ];

    /// <summary>Graphs that are agents by their making, under a dialect that only says "workflow".</summary>
    internal static readonly FrozenSet<string> AgentGraphs = FrozenSet.Create(StringComparer.Ordinal, "CompiledStateGraph", "LangGraph", "AgentExecutor", "Pregel");

    /// <summary>By which name a graph is known to be one of them.</summary>
    internal static readonly string[] GraphNameKeys = ["traceloop.workflow.name", "traceloop.entity.name"];

    public static Answer Of(SpanRecord span)
    {
        var attributes = span.Attributes;
        foreach (var (key, values) in Attributes)
        {
            if (attributes.Text(key) is { } text && values.TryFind(text.AsSpan().Trim('"'), out var answer))
            {
                return answer.Kind is StepKind.Workflow && IsAgentGraph(attributes) ? new(StepKind.Agent) : answer;
            }
        }

        if (attributes.Text("mcp.method.name") is { } method)
        {
            return method == "tools/call" ? new(StepKind.Tool) : Other;
        }

        foreach (var (start, kind) in Names)
        {
            if (span.Name.StartsWith(start, StringComparison.Ordinal))
            {
                return new(kind);
            }
        }

        if (attributes.IsText("genkit:type", "util") || attributes.IsText("genkit:type", "flowStep"))
        {
            return new(StepKind.Step);
        }

        if (span.Origin.Scope == "gcp.vertex.agent" && span.Name == "invocation")
        {
            return new(StepKind.Workflow);
        }

        foreach (var (key, kind) in Marks)
        {
            if (attributes.Has(key))
            {
                return new(kind);
            }
        }

        return Other;
    }

    private static bool IsAgentGraph(AttributeSet attributes) =>
        attributes.FirstText(GraphNameKeys) is { } name && AgentGraphs.Contains(name);
}
