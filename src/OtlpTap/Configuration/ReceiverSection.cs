namespace OtlpTap.Configuration;

/// <summary><c>receivers</c>: the keys of the Collector's <c>otlp</c> receiver.</summary>
internal static class ReceiverSection
{
    private const int MessageMibMax = 1024;

    public static Components<ReceiverOptions> Read(Section receivers)
    {
        var components = new Components<ReceiverOptions>("receiver");
        foreach (var (id, type, section) in receivers.Components())
        {
            var isOtlp = type == "otlp";
            if (!isOtlp && type.Length > 0)
            {
                receivers.KeyError(id, $"`{type}` is no receiver of the tap: it receives `otlp`");
            }

            components.Add(id, section, isOtlp ? ReadOtlp(id, section) : null);
        }

        return components;
    }

    private static ReceiverOptions? ReadOtlp(string id, Section section)
    {
        var protocols = section.Map("protocols");
        section.RefuseUnknownKeys();

        var hasGrpc = protocols.Has("grpc");
        if (protocols.Has("http") && hasGrpc)
        {
            protocols.KeyWarning("http", "OTLP/HTTP is not served yet: agents reach the tap over OTLP/gRPC alone");
        }
        else if (!hasGrpc)
        {
            section.Error("protocols", "`grpc` must be set: it is the protocol that the tap serves (OTLP/HTTP is not served yet)");
            return null;
        }

        var options = new ReceiverOptions(id, ReadGrpc(protocols.Map("grpc")), Http: null);
        protocols.RefuseUnknownKeys();
        return options;
    }

    private static GrpcReceiverOptions ReadGrpc(Section grpc)
    {
        var defaults = new GrpcReceiverOptions();
        var keepalive = grpc.Map("keepalive");
        var server = keepalive.Map("server_parameters");
        var options = defaults with
        {
            Endpoint = new ListenAddress(grpc.Listen("endpoint", defaults.Endpoint.Tcp), null),
            MaxReceiveMessageBytes = grpc.Number("max_recv_msg_size_mib", defaults.MaxReceiveMessageBytes >> 20, 1, MessageMibMax) << 20,
            MaxConcurrentStreams = grpc.Number("max_concurrent_streams", defaults.MaxConcurrentStreams, 1, 65_536),
            MaxConnectionIdle = server.Has("max_connection_idle")
                ? server.Duration("max_connection_idle", TimeSpan.FromHours(1), TimeSpan.FromSeconds(1), TimeSpan.FromDays(7))
                : null,
            // Kestrel refuses less than a second for either.
            KeepaliveTime = server.Duration("time", defaults.KeepaliveTime, TimeSpan.FromSeconds(1), TimeSpan.FromDays(7)),
            KeepaliveTimeout = server.Duration("timeout", defaults.KeepaliveTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        };

        server.Refuse(["max_connection_age", "max_connection_age_grace"], "connections are not ended by age yet: remove it");
        server.RefuseUnknownKeys();
        keepalive.Refuse(["enforcement_policy"], "pings are answered however often they come: remove it");
        keepalive.RefuseUnknownKeys();

        if (grpc.Text("transport", "tcp") != "tcp")
        {
            grpc.Error("transport", "`tcp` is the only transport so far");
        }

        if (grpc.Flag("include_metadata", byDefault: false))
        {
            grpc.Error("include_metadata", "name the request headers that travel on in `forward_headers` of the tap processor instead");
        }

        grpc.Refuse(["tls"], "TLS is not served yet: remove it, or end TLS in front of the tap");
        grpc.Refuse(["auth", "middlewares"], "senders are not authenticated yet: remove it; their credentials travel on to the upstream");
        grpc.Refuse(["read_buffer_size", "write_buffer_size"], "the tap sizes its buffers itself: remove it");
        grpc.RefuseUnknownKeys();
        return options;
    }
}
