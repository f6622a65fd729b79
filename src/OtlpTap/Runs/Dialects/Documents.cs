using OtlpTap.Runs.Json;
using OtlpTap.Runs.Telemetry;

namespace OtlpTap.Runs.Dialects;

/// <summary>What a retriever found: flattened (OpenInference), in <c>gen_ai.retrieval.documents</c>, or as the output of the span.</summary>
internal static class Documents
{
    private static readonly string[] Keys =
    [
        "gen_ai.retrieval.documents", "langfuse.observation.output", "genkit:output", "mlflow.spanOutputs", "output.value", "traceloop.entity.output", "gen_ai.completion", "mastra.output", "db.query.result",
    ];

    private static readonly string[] Lists = ["documents", "docs", "results", "matches", "hits", "output", "chunks", "data", "sources"];

    public static IReadOnlyList<RetrievedDocument> Read(AttributeSet attributes, FlattenedMessages flattened, RunLimits limits)
    {
        var documents = flattened.Documents();
        foreach (var key in Keys)
        {
            if (documents.Count > 0)
            {
                break;
            }

            Add(attributes.Json(key), documents, limits, depthLeft: 4);
        }

        return documents;
    }

    private static void Add(JsonValue value, List<RetrievedDocument> documents, RunLimits limits, int depthLeft)
    {
        if (depthLeft == 0 || documents.Count >= limits.DocumentsMax)
        {
            return;
        }

        if (value.IsArray)
        {
            foreach (var item in value)
            {
                Add(item, documents, limits, depthLeft - 1);
            }
        }
        else if (value.IsText)
        {
            documents.Add(new RetrievedDocument(null, value.Text, null));
        }
        else if (value.IsObject)
        {
            if (value["kwargs"] is { IsObject: true } kwargs)
            {
                value = kwargs;
            }

            var inner = value.First("document", "node");
            var document = inner.IsObject ? inner : value;
            var text = document.First("pageContent", "page_content", "content", "text", "snippet", "body", "chunk");
            text = text.IsArray || text.IsObject ? text.IsObject ? text.First("text") : default : text;
            if (text.IsText || document["id"].IsGiven)
            {
                documents.Add(new RetrievedDocument(Id(document), text.IsText ? text.Text : "", value.First("score", "relevance_score", "similarity", "distance").AsDouble()));
                return;
            }

            if (value.First(Lists) is { IsArray: true } list)
            {
                Add(list, documents, limits, depthLeft - 1);
            }
        }
    }

    private static string? Id(JsonValue document) =>
        document.First("id", "doc_id", "document_id", "uri").TextOrNull ?? document["metadata"].First("id", "source", "uri").TextOrNull;
}
