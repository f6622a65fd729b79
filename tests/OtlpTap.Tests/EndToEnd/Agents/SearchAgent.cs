using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.AI;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using OtlpTap.Client;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd.Agents;

/// <summary>One question put to the agent.</summary>
/// <param name="IsAnswered">The user got an answer that is none of an excuse.</param>
/// <param name="IsRerouted">The agent followed advice.</param>
/// <param name="IsHeldOut">Chance kept advice from it.</param>
/// <param name="Spans">All that it exported, by their ids.</param>
internal sealed record AgentRun(string TraceId, bool IsAnswered, bool IsRerouted, bool IsHeldOut, IReadOnlyList<string> Spans);

/// <summary>
/// An agent as an application has it: the loop of Microsoft.Extensions.AI around a model, two tools, the OpenTelemetry SDK with
/// its OTLP exporter, and the tap's client. It offers its model the tool that the tap advises. One question at a time.
/// </summary>
internal sealed class SearchAgent : IAsyncDisposable
{
    public const string Service = "shop";
    public const string Name = "planner";

    private readonly Random _random = new(1);
    private readonly ActivitySource _source = new("OtlpTap.Tests.SearchAgent");
    private readonly SpanIds _ended = new();
    private readonly TracerProvider _tracing;
    private readonly IChatClient _chat;
    private readonly Dictionary<string, AITool> _tools;

    public SearchAgent(RunningTap tap, TimeProvider time)
    {
        Tap = new TapClient(new TapClientOptions
        {
            AdminEndpoint = new Uri($"http://{tap.Host.AdminEndpoint}"),
            FeedbackEndpoint = new Uri($"http://{tap.Host.HttpEndpoint}"),
            Service = Service,
            Agent = Name,
            Time = time,
        });
        _tracing = Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => resource.AddService(Service))
            .AddSource(_source.Name, Fallback.SourceName)
            .AddProcessor(new AgentClock(time))
            .AddProcessor(_ended)
            .AddProcessor(new BatchActivityExportProcessor(new OtlpTraceExporter(new OtlpExporterOptions { Protocol = OtlpExportProtocol.Grpc, Endpoint = new Uri($"http://{tap.Host.GrpcEndpoint}") })))
            .Build();
        _chat = new ScriptedModel().AsBuilder()
            .UseFunctionInvocation()
            .UseOpenTelemetry(sourceName: _source.Name, configure: telemetry => telemetry.EnableSensitiveData = true)
            .Build();
        _tools = new()
        {
            ["search"] = AIFunctionFactory.Create(Search.Search, "search", "Looks for goods."),
            ["search_backup"] = AIFunctionFactory.Create(Backup.Search, "search_backup", "Looks for goods in yesterday's index."),
        };
    }

    public TapClient Tap { get; }

    public SearchTool Search { get; } = new();

    public SearchTool Backup { get; } = new();

    /// <summary>How many questions it was asked.</summary>
    public int Runs { get; private set; }

    /// <summary>Answers, and hands what it tells of that to the tap.</summary>
    public async Task<AgentRun> AskAsync(string question)
    {
        var run = await RunAsync(question);
        Flush();
        return run with { Spans = _ended.Take(run.TraceId) };
    }

    /// <summary>Answers, and keeps the spans for <see cref="Flush"/>.</summary>
    public async Task<AgentRun> RunAsync(string question)
    {
        Runs++;

        // Chosen here, the same traces are held out whenever it runs.
        using var run = _source.StartActivity("invoke_agent " + Name, ActivityKind.Internal, new ActivityContext(NewTraceId(), default, ActivityTraceFlags.Recorded))!;
        run.SetTag("gen_ai.operation.name", "invoke_agent");
        run.SetTag("gen_ai.agent.name", Name);
        var isHeldOut = Tap.Advice.IsHeldOut;
        var (answer, isRerouted) = await AnswerAsync(question);
        return new AgentRun(run.TraceId.ToHexString(), answer != ScriptedModel.Apology, isRerouted, isHeldOut, []);
    }

    public void Flush() => Assert.True(_tracing.ForceFlush((int)Deadline.Span.TotalMilliseconds));

    public async ValueTask DisposeAsync()
    {
        _chat.Dispose();
        _tracing.Dispose();
        _source.Dispose();
        await Tap.DisposeAsync();
    }

    private async Task<(string Answer, bool IsRerouted)> AnswerAsync(string question)
    {
        if (!Tap.Advice.TryGet("reroute", "search", out var advice))
        {
            return (await ChatAsync(question, "search"), false);
        }

        using var fallback = Fallback.Begin("reroute", advice.Reason, advice);
        return (await ChatAsync(question, advice["fallback_tool"] ?? "search"), true);
    }

    private async Task<string> ChatAsync(string question, string tool) =>
        (await _chat.GetResponseAsync(question, new ChatOptions { Tools = [_tools[tool]] })).Text;

    private ActivityTraceId NewTraceId()
    {
        Span<byte> id = stackalloc byte[16];
        _random.NextBytes(id);
        return ActivityTraceId.CreateFromBytes(id);
    }

    private sealed class SpanIds : BaseProcessor<Activity>
    {
        private readonly ConcurrentQueue<(string Trace, string Span)> _ids = new();

        public override void OnEnd(Activity data) => _ids.Enqueue((data.TraceId.ToHexString(), data.SpanId.ToHexString()));

        public List<string> Take(string trace)
        {
            var spans = _ids.Where(id => id.Trace == trace).Select(id => id.Span).ToList();
            _ids.Clear();
            return spans;
        }
    }
}
