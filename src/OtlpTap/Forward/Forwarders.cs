using OtlpTap.Buffers;
using OtlpTap.Forward.Http2;
using OtlpTap.Forward.OtlpHttp;
using OtlpTap.Metrics;

namespace OtlpTap.Forward;

/// <summary>Puts together what stands between an exporter's options and its upstream. For checked options alone: what does not parse is our mistake.</summary>
internal static class Forwarders
{
    /// <param name="pool">For what is compressed or written as JSON; the one that requests come from.</param>
    /// <param name="inFlight">Counts it.</param>
    public static Forwarder Create(OtlpGrpcExporterOptions exporter, PayloadPool pool, ByteBudget inFlight, ForwardMetrics metrics, TimeProvider time, ILoggerFactory logs)
    {
        if (!UpstreamEndpoint.TryParse(exporter.Forward.Endpoint, exporter.Forward.Insecure, out var endpoint, out var problem))
        {
            throw Unchecked(exporter.Id, problem);
        }

        var line = Grpc(UpstreamOptions.From(exporter.Forward, endpoint), time, logs.CreateLogger<Http2Transport>());
        var encoder = new BodyEncoder(exporter.Forward.Compression, isJson: false, pool, inFlight);
        return Create(exporter, exporter.Forward, endpoint, line, encoder, metrics, time, logs);
    }

    /// <inheritdoc cref="Create(OtlpGrpcExporterOptions, PayloadPool, ByteBudget, ForwardMetrics, TimeProvider, ILoggerFactory)"/>
    public static Forwarder Create(OtlpHttpExporterOptions exporter, PayloadPool pool, ByteBudget inFlight, ForwardMetrics metrics, TimeProvider time, ILoggerFactory logs)
    {
        if (!OtlpHttpEndpoints.TryParse(exporter, out var endpoints, out var problem))
        {
            throw Unchecked(exporter.Id, problem);
        }

        Uri? proxy = null;
        if (exporter.ProxyUrl is { Length: > 0 } text && !OtlpHttpEndpoints.TryParseProxy(text, out proxy, out problem))
        {
            throw Unchecked(exporter.Id, problem);
        }

        var options = UpstreamOptions.From(exporter.Forward, endpoints.Hosts[0]) with { Proxy = proxy };
        var line = new OtlpHttpTransport(exporter, endpoints, options, time, logs.CreateLogger<OtlpHttpTransport>());
        var encoder = new BodyEncoder(exporter.Forward.Compression, exporter.IsJson, pool, inFlight);
        return Create(exporter, exporter.Forward, endpoints.Hosts[0], line, encoder, metrics, time, logs);
    }

    /// <summary>The gRPC transport for an endpoint: with turns over several addresses where its name may have them.</summary>
    internal static IUpstreamTransport Grpc(UpstreamOptions options, TimeProvider time, ILogger<Http2Transport> log) =>
        options.IsRoundRobin && SeveralHosts.MayBeBehind(options.Endpoint.Host)
            ? new RoundRobinTransport(options, time, log)
            : new Http2Transport(options, time, log);

    private static Forwarder Create(ExporterOptions exporter, ForwardOptions forward, UpstreamEndpoint endpoint, IUpstreamTransport line, BodyEncoder encoder, ForwardMetrics metrics, TimeProvider time, ILoggerFactory logs) =>
        new(exporter.Id, endpoint, encoder.IsNeeded ? new EncodingTransport(line, encoder) : line, forward, metrics, time, logs.CreateLogger<Forwarder>(), encoder.PassesGzip);

    private static InvalidOperationException Unchecked(string exporter, string problem) => new($"A checked configuration has the exporter {exporter} with {problem}");
}
