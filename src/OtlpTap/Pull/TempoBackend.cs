using System.Globalization;
using System.Net;
using System.Text.Json;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Corpus;
using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Pull;

/// <summary>The traces of one window of time, by their ids.</summary>
/// <param name="IsPartial">Tempo did not look everywhere.</param>
internal readonly record struct SearchPage(IReadOnlyList<TraceId> Traces, bool IsPartial, BackendAnswer? Failed);

/// <summary>A fetched trace; without one and without a failure: there is none of this id.</summary>
internal readonly record struct TraceAnswer(FetchedTrace? Trace, BackendAnswer? Failed);

/// <summary>
/// Tempo's query API, https://grafana.com/docs/tempo/latest/api_docs/: search by TraceQL, and traces by id. Of the trace
/// protobuf is asked for, and JSON is understood where a proxy answers it. <c>Accept</c> names protobuf alone: Tempo before
/// 2.10 compares it as a whole, and answers JSON to anything else.
/// </summary>
internal sealed class TempoBackend(PullOptions options, TimeProvider time, ILogger logger) : IDisposable
{
    private const string Protobuf = "application/protobuf";
    private const string Json = "application/json";

    // Set when /api/v2 turned out not to be there: Tempo before 2.7, and what only speaks like it.
    private volatile bool _isFirstVersion;

    public BackendConnection Connection { get; } = new(options, time, logger);

    /// <summary>What <c>/api/search</c> finds between two seconds of Unix time.</summary>
    public async Task<SearchPage> SearchAsync(string query, long from, long to, int limit, CancellationToken cancellation)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/api/search?q={Uri.EscapeDataString(query)}&start={from}&end={to}&limit={limit}&spss=1");
        var answer = await Connection.GetAsync(path, Json, cancellation);
        if (answer.Failure != PullFailure.None)
        {
            return new SearchPage([], false, answer);
        }

        if (answer.ContentType != Json)
        {
            return new SearchPage([], false, Unexpected(answer, "a search"));
        }

        try
        {
            using var json = JsonDocument.Parse(answer.Body, TempoJson.Reading);
            return ReadSearch(json.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return new SearchPage([], false, BackendAnswer.Failed(PullFailure.Malformed, $"the answer to a search is no JSON of Tempo's: {exception.Message}"));
        }
    }

    public async Task<TraceAnswer> FetchAsync(TraceId traceId, CancellationToken cancellation)
    {
        var isFirst = _isFirstVersion;
        var answer = await Connection.GetAsync(isFirst ? $"/api/traces/{traceId}" : $"/api/v2/traces/{traceId}", Protobuf, cancellation);
        if (answer.Status == HttpStatusCode.NotFound && !isFirst)
        {
            // No such trace, or no such API: only the other one can tell.
            isFirst = true;
            answer = await Connection.GetAsync($"/api/traces/{traceId}", Protobuf, cancellation);
            _isFirstVersion |= answer.Failure == PullFailure.None;
        }

        if (answer.Status == HttpStatusCode.NotFound)
        {
            return default;
        }

        return answer.Failure != PullFailure.None ? new TraceAnswer(null, answer) : Read(traceId, answer, isFirst);
    }

    public void Dispose() => Connection.Dispose();

    private static SearchPage ReadSearch(JsonElement root)
    {
        var traces = new List<TraceId>();
        if (root.TryGetProperty("traces", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (var trace in list.EnumerateArray())
            {
                // Without the zeros that an id begins with.
                if (TraceId.TryParse(trace.GetProperty("traceID").GetString()?.PadLeft(32, '0'), out var id) && !id.IsZero)
                {
                    traces.Add(id);
                }
            }
        }

        var isPartial = root.TryGetProperty("metrics", out var metrics)
            && metrics.TryGetProperty("totalJobs", out var total) && metrics.TryGetProperty("completedJobs", out var completed)
            && Number(completed) < Number(total);
        return new SearchPage(traces, isPartial, null);
    }

    private static long Number(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Number => element.GetInt64(),
        JsonValueKind.String when long.TryParse(element.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
        _ => 0,
    };

    private static BackendAnswer Unexpected(BackendAnswer answer, string what) =>
        BackendAnswer.Failed(PullFailure.Malformed, $"the answer to {what} is {(answer.ContentType.Length == 0 ? "of no content type" : answer.ContentType)}: is the URL that of Tempo's API?", answer.Status);

    private TraceAnswer Read(TraceId traceId, BackendAnswer answer, bool isFirst)
    {
        byte[]? spans;
        bool isPartial;
        string problem;
        switch (answer.ContentType)
        {
            case Protobuf or "application/x-protobuf" when isFirst:
                (spans, isPartial, problem) = (answer.Body, false, "");
                break;
            case Protobuf or "application/x-protobuf":
                spans = ReadEnvelope(answer.Body, out isPartial, out problem);
                break;
            case Json:
                spans = ReadJson(answer.Body, out isPartial, out problem);
                break;
            default:
                return new TraceAnswer(null, Unexpected(answer, "a trace"));
        }

        if (spans is null)
        {
            return new TraceAnswer(null, BackendAnswer.Failed(PullFailure.Malformed, $"trace {traceId}: {problem}", answer.Status));
        }

        try
        {
            var request = Parse(spans);
            if (request.ResourceSpans.Count == 0)
            {
                return default;
            }

            TraceIds.Set(request, traceId);
            return new TraceAnswer(
                new FetchedTrace(options.Name, request.ToByteArray(), []) { IsPartial = isPartial || answer.Status == HttpStatusCode.PartialContent, IsTruncationSuspected = CutValues.AreIn(request, options.AttributeBytesMax) },
                null);
        }
        catch (InvalidProtocolBufferException exception)
        {
            return new TraceAnswer(null, BackendAnswer.Failed(PullFailure.Malformed, $"trace {traceId}: {exception.Message}", answer.Status));
        }
    }

    /// <summary>Tempo cuts texts between bytes: what it leaves of a character is no UTF-8, which a strict parser refuses with all the rest.</summary>
    private static ExportTraceServiceRequest Parse(byte[] spans)
    {
        try
        {
            return ExportTraceServiceRequest.Parser.ParseFrom(spans);
        }
        catch (InvalidProtocolBufferException) when (TempoJson.Mend(spans) is { } mended)
        {
            return ExportTraceServiceRequest.Parser.ParseFrom(mended);
        }
    }

    /// <summary>
    /// <code>
    ///   TraceByIDResponse   1: trace (Trace)   2: metrics   3: status (0 complete, 1 partial)   4: message
    ///   Trace               1: resource spans, as in an export request
    /// </code>
    /// Source: https://github.com/grafana/tempo, pkg/tempopb/tempo.proto.
    /// </summary>
    private static byte[]? ReadEnvelope(byte[] body, out bool isPartial, out string problem)
    {
        isPartial = false;
        var trace = Array.Empty<byte>();
        var reader = new ProtoReader(body);
        while (reader.Next())
        {
            switch (reader)
            {
                case { FieldNumber: 1, WireType: WireType.LengthDelimited }:
                    trace = body[reader.ValueOffset..reader.ValueEnd];
                    break;
                case { FieldNumber: 3, WireType: WireType.Varint }:
                    isPartial = reader.Varint != 0;
                    break;
            }
        }

        problem = reader.IsMalformed ? "the answer is no protobuf message of Tempo's" : "";
        return reader.IsMalformed ? null : trace;
    }

    private byte[]? ReadJson(byte[] body, out bool isPartial, out string problem)
    {
        isPartial = false;
        try
        {
            using var json = JsonDocument.Parse(body, TempoJson.Reading);
            var root = json.RootElement;
            isPartial = root.TryGetProperty("status", out var status) && (status.ValueKind == JsonValueKind.String ? status.GetString() == "PARTIAL" : Number(status) == 1);
            return TempoJson.Read(root.TryGetProperty("trace", out var trace) && trace.ValueKind == JsonValueKind.Object ? trace : root, options.AnswerBytesMax, out problem);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            problem = exception.Message;
            return null;
        }
    }
}
