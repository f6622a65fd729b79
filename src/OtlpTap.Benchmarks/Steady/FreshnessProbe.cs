using System.Diagnostics;
using System.Net;
using Google.Protobuf;
using Grpc.Net.Client;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Benchmarks.EndToEnd;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>
/// How old health is while a tap is under load: sends a span of a service that nobody has heard of, and asks for the service's
/// health until it is told. From before the span is sent to when the answer is there, so both ways count.
/// </summary>
internal sealed class FreshnessProbe(GrpcChannel channel, Uri health)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(1);

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
        var service = $"probe-{_sent++}";
        var started = Stopwatch.GetTimestamp();

        // Not cut off at the end, as the load's own.
        await ProxyCheck.CallAsync(channel, Request(service).ToByteArray(), CancellationToken.None);
        while (true)
        {
            using var answer = await client.GetAsync(new Uri(health, service), stop);
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            }

            await Task.Delay(AskInterval, stop);
        }
    }

    private ExportTraceServiceRequest Request(string service)
    {
        var span = new Span
        {
            TraceId = ByteString.CopyFrom([0xFE, .. new byte[11], .. BitConverter.GetBytes(_sent)]),
            SpanId = ByteString.CopyFrom(1, 0, 0, 0, 0, 0, 0, 1),
            Name = "execute_tool look",
            StartTimeUnixNano = 1,
            EndTimeUnixNano = 2,
            Attributes = { Text("gen_ai.operation.name", "execute_tool"), Text("gen_ai.tool.name", "look") },
        };
        return new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { Resource = new Resource { Attributes = { Text("service.name", service) } }, ScopeSpans = { new ScopeSpans { Spans = { span } } } } } };
    }

    private static KeyValue Text(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value } };
}
