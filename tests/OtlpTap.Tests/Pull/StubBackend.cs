using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Pull;

/// <summary>Tempo and Loki, as far as their query APIs are documented, on a real socket.</summary>
internal sealed class StubBackend : IAsyncDisposable
{
    private readonly StubUpstream _server;

    private readonly bool _isSecure;

    private StubBackend(StubUpstream server, bool isSecure)
    {
        _server = server;
        _isSecure = isSecure;
        server.Answer = (context, _) => HandleAsync(context);
    }

    public Uri Url => new(_isSecure ? $"https://localhost:{_server.Port}" : $"http://{_server.Endpoint}");

    public ConcurrentQueue<string> Requests { get; } = new();

    public ConcurrentQueue<string> Tenants { get; } = new();

    public ConcurrentQueue<string> Authorizations { get; } = new();

    /// <summary>JSON to whoever does not ask for protobuf and nothing else, as Tempo before 2.10.</summary>
    public bool ComparesAccept { get; set; }

    /// <summary>A larger limit of lines is refused with 400, as Loki does.</summary>
    public int LineLimitMax { get; set; } = 5000;

    /// <summary>By id in hex without the zeros it begins with: when it began, and its spans.</summary>
    public Dictionary<string, (long UnixSeconds, ExportTraceServiceRequest Trace)> Traces { get; } = [];

    public List<(long UnixNano, string Line, Dictionary<string, string> Labels, Dictionary<string, string> Metadata)> Lines { get; } = [];

    public bool AnswersJson { get; set; }

    /// <summary>Only <c>/api/traces</c>, with <c>batches</c>.</summary>
    public bool IsFirstVersion { get; set; }

    public bool IsPartial { get; set; }

    public bool SaysJobsAreMissing { get; set; }

    /// <summary>Traces from this second on are found by no search, as of Tempo 3 those of the last half minute.</summary>
    public long SearchableUntil { get; set; } = long.MaxValue;

    /// <summary>A larger limit is refused with 400, as Tempo does.</summary>
    public int SearchLimitMax { get; set; } = int.MaxValue;

    /// <summary>Answers in place of the API where it returns true.</summary>
    public Func<HttpContext, Task<bool>>? Instead { get; set; }

    /// <summary>Whether a request has come that <see cref="Instead"/> does not answer; the test's to set.</summary>
    public Func<bool> Hung { get; set; } = static () => false;

    public static async Task<StubBackend> StartAsync(X509Certificate2? certificate = null) =>
        new(await StubUpstream.StartAsync(protocols: HttpProtocols.Http1, certificate: certificate), certificate is not null);

    public void Add(byte number, TraceBuilder trace, long unixSeconds)
    {
        foreach (var span in trace.Request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans))
        {
            span.TraceId = TraceBuilder.TraceIdBytes(number);
            span.StartTimeUnixNano = (ulong)unixSeconds * 1_000_000_000;
            span.EndTimeUnixNano = span.StartTimeUnixNano + 1_000_000;
        }

        Traces[number.ToString("x", System.Globalization.CultureInfo.InvariantCulture)] = (unixSeconds, trace.Request);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        // Asked for before the request is seen: a test may change it then, for the requests that come later.
        var answer = Instead;
        Tenants.Enqueue(context.Request.Headers["X-Scope-OrgID"].ToString());
        Authorizations.Enqueue(context.Request.Headers.Authorization.ToString());
        Requests.Enqueue($"{context.Request.Path}{context.Request.QueryString}");
        if (answer is { } instead && await instead(context))
        {
            return;
        }

        var path = context.Request.Path.Value!;
        await (path switch
        {
            "/api/search" => SearchAsync(context),
            "/loki/api/v1/query_range" => QueryAsync(context),
            _ when path.StartsWith("/api/v2/traces/", StringComparison.Ordinal) && !IsFirstVersion => TraceAsync(context, path["/api/v2/traces/".Length..], isFirst: false),
            _ when path.StartsWith("/api/traces/", StringComparison.Ordinal) => TraceAsync(context, path["/api/traces/".Length..], isFirst: true),
            _ => AnswerAsync(context, 404, "text/plain", "404 page not found"u8.ToArray()),
        });
    }

    private Task SearchAsync(HttpContext context)
    {
        var (from, to, limit) = (Number(context, "start"), Number(context, "end"), Number(context, "limit"));
        if (limit > SearchLimitMax)
        {
            return AnswerAsync(context, 400, "text/plain", System.Text.Encoding.UTF8.GetBytes($"limit {limit} exceeds max limit {SearchLimitMax}"));
        }

        var found = Traces.Where(trace => trace.Value.UnixSeconds >= from && trace.Value.UnixSeconds < Math.Min(to, SearchableUntil)).Take((int)limit);
        var answer = new JsonObject
        {
            ["traces"] = new JsonArray([.. found.Select(trace => new JsonObject { ["traceID"] = trace.Key, ["startTimeUnixNano"] = $"{trace.Value.UnixSeconds}000000000" })]),
            ["metrics"] = new JsonObject { ["totalJobs"] = 4, ["completedJobs"] = SaysJobsAreMissing ? 3 : 4 },
        };
        return AnswerAsync(context, 200, "application/json", JsonSerializer.SerializeToUtf8Bytes<JsonNode>(answer));
    }

    private Task TraceAsync(HttpContext context, string id, bool isFirst)
    {
        if (!Traces.TryGetValue(id.TrimStart('0'), out var trace))
        {
            return AnswerAsync(context, 404, "text/plain", "trace not found"u8.ToArray());
        }

        var bytes = trace.Trace.ToByteArray();
        if (AnswersJson || (ComparesAccept && context.Request.Headers.Accept != "application/protobuf"))
        {
            // Protobuf's own mapping, as Tempo's: ids in base64, enums by name.
            var resources = JsonNode.Parse(JsonFormatter.Default.Format(trace.Trace))!["resourceSpans"]!.DeepClone();
            var json = isFirst
                ? new JsonObject { ["batches"] = resources }
                : new JsonObject { ["trace"] = new JsonObject { ["resourceSpans"] = resources }, ["status"] = IsPartial ? "PARTIAL" : "COMPLETE" };
            return AnswerAsync(context, 200, "application/json", JsonSerializer.SerializeToUtf8Bytes<JsonNode>(json));
        }

        if (isFirst)
        {
            return AnswerAsync(context, 200, "application/protobuf", bytes);
        }

        using var envelope = new MemoryStream();
        using (var output = new CodedOutputStream(envelope, leaveOpen: true))
        {
            output.WriteTag(1, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(bytes));
            if (IsPartial)
            {
                output.WriteTag(3, WireFormat.WireType.Varint);
                output.WriteInt32(1);
            }
        }

        return AnswerAsync(context, 200, "application/protobuf", envelope.ToArray());
    }

    private Task QueryAsync(HttpContext context)
    {
        var (from, to, limit) = (Number(context, "start"), Number(context, "end"), Number(context, "limit"));
        if (limit > LineLimitMax)
        {
            return AnswerAsync(context, 400, "text/plain", System.Text.Encoding.UTF8.GetBytes($"max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {LineLimitMax})"));
        }

        if (to - from > 721L * 3600 * 1_000_000_000)
        {
            return AnswerAsync(context, 400, "text/plain", "the query time range exceeds the limit (query length: 768h0m0s, limit: 30d1h)"u8.ToArray());
        }

        var lines = Lines.Where(line => line.UnixNano >= from && line.UnixNano < to).OrderBy(line => line.UnixNano).Take((int)limit);
        var streams = lines.GroupBy(line => string.Join(',', line.Labels.Select(label => $"{label.Key}={label.Value}"))).Select(stream => new JsonObject
        {
            ["stream"] = Object(stream.First().Labels),
            ["values"] = new JsonArray([.. stream.Select(line => new JsonArray($"{line.UnixNano}", line.Line, new JsonObject { ["structuredMetadata"] = Object(line.Metadata) }))]),
        });
        var answer = new JsonObject { ["status"] = "success", ["data"] = new JsonObject { ["resultType"] = "streams", ["result"] = new JsonArray([.. streams]) } };
        return AnswerAsync(context, 200, "application/json", JsonSerializer.SerializeToUtf8Bytes<JsonNode>(answer));
    }

    private static JsonObject Object(Dictionary<string, string> texts) => new(texts.Select(text => KeyValuePair.Create(text.Key, (JsonNode?)text.Value)));

    private static long Number(HttpContext context, string name) => long.Parse(context.Request.Query[name].ToString(), System.Globalization.CultureInfo.InvariantCulture);

    public static Task AnswerAsync(HttpContext context, int status, string type, byte[] body) => StubUpstream.AnswerHttpAsync(context, status, type, body);
}
