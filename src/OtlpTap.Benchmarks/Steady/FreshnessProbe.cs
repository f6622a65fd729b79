using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Net.Client;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Benchmarks.EndToEnd;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>
/// How old health is while a tap is under load: sends a tool's call, of a service that nobody else is, and asks for the service's
/// health until it counts one more, or for five seconds. From before the span is sent to when the answer is there, so both ways count. Always the same
/// service: ever new ones would be memory that the tap takes for the probe.
/// </summary>
internal sealed class FreshnessProbe(GrpcChannel channel, Uri health)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(1);

    // One that the tee dropped never counts.
    private static readonly TimeSpan GivenUp = TimeSpan.FromSeconds(5);

    private const string Service = "freshness-probe";
    private const string Tool = "look";

    private readonly List<double> _milliseconds = [];
    private int _sent;

    /// <summary>Sorted, once <see cref="RunAsync"/> has ended.</summary>
    public IReadOnlyList<double> Milliseconds => _milliseconds;

    public async Task RunAsync(CancellationToken stop)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                _milliseconds.Add(await ProbeAsync(client, stop));
            }
        }
        catch (OperationCanceledException)
        {
            // The load has ended; a probe under way does not count.
        }

        _milliseconds.Sort();
    }

    private async Task<double> ProbeAsync(HttpClient client, CancellationToken stop)
    {
        var before = await CallsAsync(client, stop);
        var started = Stopwatch.GetTimestamp();

        // Not cut off at the end, as the load's own.
        await ProxyCheck.CallAsync(channel, Request(++_sent).ToByteArray(), CancellationToken.None);
        while (await CallsAsync(client, stop) <= before && Stopwatch.GetElapsedTime(started) < GivenUp)
        {
            await Task.Delay(AskInterval, stop);
        }

        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    private async Task<double> CallsAsync(HttpClient client, CancellationToken stop)
    {
        using var answer = await client.GetAsync(new Uri(health, Service), stop);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return 0; // nobody has heard of it yet
        }

        using var json = JsonDocument.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync(stop));
        return json.RootElement.GetProperty("tools").EnumerateArray().Single(tool => tool.GetProperty("tool").GetString() == Tool).GetProperty("values").GetProperty("tool.calls_1h").GetDouble();
    }

    private static ExportTraceServiceRequest Request(int number)
    {
        var span = new Span
        {
            TraceId = ByteString.CopyFrom([0xFE, .. new byte[11], .. BitConverter.GetBytes(number)]),
            SpanId = ByteString.CopyFrom(1, 0, 0, 0, 0, 0, 0, 1),
            Name = $"execute_tool {Tool}",
            StartTimeUnixNano = 1,
            EndTimeUnixNano = 2,
            Attributes = { Text("gen_ai.operation.name", "execute_tool"), Text("gen_ai.tool.name", Tool) },
        };
        return new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { Resource = new Resource { Attributes = { Text("service.name", Service) } }, ScopeSpans = { new ScopeSpans { Spans = { span } } } } } };
    }

    private static KeyValue Text(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value } };
}
