using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using OtlpTap.Tests.Web;

namespace OtlpTap.Tests.Client;

/// <summary>Takes feedback, and answers as a test says.</summary>
internal sealed class FeedbackStub : IAsyncDisposable
{
    private readonly LoopbackServer _server;

    private FeedbackStub() => _server = new LoopbackServer(server => server.MapPost("/v1/feedback", (RequestDelegate)AnswerAsync));

    public Uri Uri => _server.Uri;

    /// <summary>The bodies of all requests.</summary>
    public ConcurrentQueue<JsonElement> Bodies { get; } = [];

    /// <summary>The items that were taken.</summary>
    public ConcurrentQueue<JsonElement> Taken { get; } = [];

    public ConcurrentQueue<string> Authorizations { get; } = [];

    /// <summary>The status for a body.</summary>
    public Func<JsonElement, Task<int>> Answer { get; set; } = _ => Task.FromResult(StatusCodes.Status202Accepted);

    public static async Task<FeedbackStub> StartAsync()
    {
        var stub = new FeedbackStub();
        await stub._server.StartAsync();
        return stub;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        using var json = await JsonDocument.ParseAsync(http.Request.Body);
        var body = json.RootElement.Clone();
        Authorizations.Enqueue(http.Request.Headers.Authorization.ToString());

        // Asked for first: a test that has seen the body may change the answer, for those that come then.
        var answer = Answer;
        Bodies.Enqueue(body);
        http.Response.StatusCode = await answer(body);
        if (http.Response.StatusCode == StatusCodes.Status202Accepted)
        {
            foreach (var item in body.ValueKind == JsonValueKind.Array ? body.EnumerateArray().ToArray() : [body])
            {
                Taken.Enqueue(item);
            }

            await http.Response.WriteAsync("""{"ids":["1"]}""");
        }
        else
        {
            await http.Response.WriteAsync("""{"error":"`stars` must be 1 to 5"}""");
        }
    }
}
