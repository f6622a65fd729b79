using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Replay;

/// <summary>An agent that runs as a service: one POST for each run, with <c>traceparent</c>.</summary>
/// <param name="http">Without a timeout of its own: the run's counts.</param>
internal sealed class HttpAgent(HttpClient http, Uri address, BodyTemplate body) : IAgentUnderTest
{
    private const int WordsMax = 500;

    public async Task<string?> RunAsync(ReplayRun run, ReplayAddresses addresses, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.Fill(run))) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("traceparent", run.TraceParent);
        request.Headers.Add("otlptap-case", run.Case.Id);
        try
        {
            // To its end: an agent that streams is not done before.
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellation);
            if (answer.IsSuccessStatusCode)
            {
                return null;
            }

            var words = (await answer.Content.ReadAsStringAsync(cancellation)).Trim();
            return string.Create(CultureInfo.InvariantCulture, $"the agent answered {(int)answer.StatusCode}: {words.Cut(WordsMax)}");
        }
        catch (HttpRequestException unreachable)
        {
            return $"{address}: {unreachable.Message}";
        }
    }
}

/// <summary>The body of the request to the agent, with places that a case fills.</summary>
internal sealed class BodyTemplate(string text)
{
    public static readonly BodyTemplate Default = new("""{"input": {{input}}}""");

    /// <summary>False with the reason when no case's input would stand in it, or it is no JSON then.</summary>
    public static bool TryParse(string text, out BodyTemplate? template, out string problem)
    {
        template = null;
        problem = "the template has no place {{input}}";
        if (!text.Contains("{{input}}", StringComparison.Ordinal))
        {
            return false;
        }

        try
        {
            var parsed = new BodyTemplate(text);
            using var filled = JsonDocument.Parse(parsed.Fill("\"", "case", "trace"));
            template = parsed;
            problem = "";
            return true;
        }
        catch (JsonException broken)
        {
            problem = $"the template is no JSON once it is filled ({{{{input}}}} becomes a text with its quotes): {broken.Message}";
            return false;
        }
    }

    public string Fill(ReplayRun run) => Fill(run.Case.Input, run.Case.Id, run.TraceId.ToString());

    // The input last: what a user wrote may look like a place, and is none.
    private string Fill(string input, string caseId, string runId) => text
        .Replace("{{case}}", Quoted(caseId), StringComparison.Ordinal)
        .Replace("{{run}}", Quoted(runId), StringComparison.Ordinal)
        .Replace("{{input}}", Quoted(input), StringComparison.Ordinal);

    private static string Quoted(string value) => $"\"{JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
