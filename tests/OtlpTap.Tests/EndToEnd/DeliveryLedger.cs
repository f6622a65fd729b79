using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>
/// Who was promised what, and what came: agents send numbered requests and retry as the specification says, the upstream
/// notes the numbers it took. What was acknowledged and never came is lost.
/// </summary>
internal sealed class DeliveryLedger(int seed)
{
    private readonly ConcurrentDictionary<long, int> _acknowledged = new();
    private readonly ConcurrentDictionary<long, int> _arrived = new();
    private readonly ConcurrentDictionary<StatusCode, int> _refusals = new();
    private long _last;

    /// <summary>Requests, however often each was sent.</summary>
    public long Sent => Interlocked.Read(ref _last);

    public int Acknowledged => _acknowledged.Count;

    public int Arrived => _arrived.Count;

    public IReadOnlyList<long> Lost => [.. _acknowledged.Keys.Where(number => !_arrived.ContainsKey(number)).Order()];

    /// <summary>Attempts that did not end in an acknowledgement.</summary>
    public int Refused => _refusals.Values.Sum();

    /// <summary>Requests that came more than once, which at least once allows.</summary>
    public int Repeated => _arrived.Values.Count(times => times > 1);

    public string Summary =>
        $"seed {seed}: sent {Sent}, acknowledged {Acknowledged}, arrived {Arrived} ({Repeated} more than once), acknowledged and lost {Lost.Count}; "
        + $"refusals: {string.Join(", ", _refusals.OrderBy(refusal => refusal.Key).Select(refusal => $"{refusal.Key} {refusal.Value}"))}";

    /// <summary>The upstream takes a message: its numbers have arrived.</summary>
    public void Arrive(byte[] message)
    {
        foreach (var number in ExportTraceServiceRequest.Parser.ParseFrom(message).ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans).Select(span => NumberOf(span.SpanId)))
        {
            _arrived.AddOrUpdate(number, 1, static (_, times) => times + 1);
        }
    }

    /// <summary>An agent: one request after the other until told to stop, each sent again for as long as the answer is retryable.</summary>
    /// <param name="client">Asked for before each attempt: the tap may be another one by then. Null while there is none.</param>
    /// <param name="stop">No further requests; the one under way is given up at the next refusal.</param>
    public async Task SendAsync(int agent, Func<ExportClient?> client, CancellationToken stop)
    {
        var random = new Random(seed + agent);
        while (!stop.IsCancellationRequested)
        {
            var number = Interlocked.Increment(ref _last);
            var request = RequestOf(number, random.Next(8) == 0 ? random.Next(20_000, 80_000) : random.Next(10, 2_000));
            while (!await TrySendAsync(number, request, client()) && !stop.IsCancellationRequested)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(5, 60)), CancellationToken.None);
            }
        }
    }

    /// <summary>Waits until nothing that was acknowledged is missing, for as long as something arrives.</summary>
    public async Task SettleAsync()
    {
        await Deadline.UntilNoneIsLeftAsync(() => Lost.Count, Summary);
        AssertSettled();
    }

    /// <summary>Nothing that was acknowledged is missing.</summary>
    public void AssertSettled()
    {
        TestContext.Current.TestOutputHelper?.WriteLine(Summary);
        Assert.True(Lost.Count == 0, $"{Summary}; the first: {string.Join(", ", Lost.Take(20))}");
    }

    // True when there is nothing left to try: acknowledged, or refused for good.
    private async Task<bool> TrySendAsync(long number, byte[] request, ExportClient? client)
    {
        if (client is null)
        {
            return false;
        }

        try
        {
            await client.Export(Signal.Traces, request, deadline: DateTime.UtcNow.AddSeconds(10));
            _acknowledged[number] = 1;
            return true;
        }
        catch (RpcException refused)
        {
            _refusals.AddOrUpdate(refused.StatusCode, 1, static (_, times) => times + 1);
            return refused.StatusCode is not (StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Aborted or StatusCode.Cancelled
                or StatusCode.OutOfRange or StatusCode.DataLoss or StatusCode.ResourceExhausted or StatusCode.Internal);
        }
        catch (ObjectDisposedException)
        {
            // The tap that it belonged to was killed meanwhile.
            return false;
        }
    }

    private static byte[] RequestOf(long number, int bytes)
    {
        var builder = new TraceBuilder().Span("chat", ("text", new string('x', bytes)));
        builder.LastSpan.SpanId = ByteString.CopyFrom(BitConverter.GetBytes(number));
        builder.LastSpan.TraceId = ByteString.CopyFrom([.. BitConverter.GetBytes(number), .. new byte[8]]);
        return builder.ToBytes();
    }

    private static long NumberOf(ByteString spanId) => BitConverter.ToInt64(spanId.Span);
}
