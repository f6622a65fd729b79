using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Sinks;

/// <summary>Sends the case's trace and its logs by OTLP/HTTP. Sent again after half of it was taken, a backend has the same ids twice, as after every retry of OTLP.</summary>
internal sealed class OtlpSink(SinkOptions options, CaseTraces traces, SinkConnection connection) : ICaseSink
{
    private const string Protobuf = "application/x-protobuf";

    private readonly Uri _traces = Below(options.Url!, "v1/traces");
    private readonly Uri _logs = Below(options.Url!, "v1/logs");

    public async Task<SinkReply> SendAsync(SinkItem item, CancellationToken cancellation)
    {
        byte[] spans;
        byte[] logs;
        try
        {
            spans = traces.Read(item, Signal.Traces, options.Redact);
            logs = traces.Read(item, Signal.Logs, options.Redact);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new SinkReply(SinkFailReason.File, IsRetryable: false, exception.Message);
        }

        var reply = await connection.PostAsync(_traces, spans, Protobuf, [], cancellation, isOtlp: true);
        return reply.Failure is null && logs.Length > 0 ? await connection.PostAsync(_logs, logs, Protobuf, [], cancellation, isOtlp: true) : reply;
    }

    public ValueTask DisposeAsync()
    {
        connection.Dispose();
        return ValueTask.CompletedTask;
    }

    private static Uri Below(Uri url, string path) => new UriBuilder(url) { Path = $"{url.AbsolutePath.TrimEnd('/')}/{path}" }.Uri;
}
