namespace OtlpTap.Configuration;

/// <summary><c>receivers.otlp.protocols.grpc</c>.</summary>
internal static class GrpcReceiverSection
{
    private const int MessageMibMax = 1024;

    public static GrpcReceiverOptions Read(Section grpc, Extensions extensions)
    {
        var defaults = new GrpcReceiverOptions();
        var endpoint = ListenerSection.ReadAddress(grpc, defaults.Endpoint);
        var keepalive = grpc.Map("keepalive");
        var server = keepalive.Map("server_parameters");
        var options = new GrpcReceiverOptions
        {
            Endpoint = endpoint,
            Tls = ServerTlsSection.Read(grpc),
            Authenticator = ListenerSection.ReadAuthenticator(grpc, extensions),
            MaxReceiveMessageBytes = (int)grpc.Mebibytes("max_recv_msg_size_mib", defaults.MaxReceiveMessageBytes, 1, MessageMibMax),
            MaxConcurrentStreams = grpc.Number("max_concurrent_streams", defaults.MaxConcurrentStreams, 1, 65_536),

            // Kestrel refuses less than a second for any of these.
            MaxConnectionIdle = server.OptionalDuration("max_connection_idle", defaults.MaxConnectionIdle, TimeSpan.FromSeconds(1), TimeSpan.FromDays(7)),
            MaxConnectionAge = server.OptionalDuration("max_connection_age", defaults.MaxConnectionAge, TimeSpan.FromSeconds(1), TimeSpan.FromDays(7)),
            MaxConnectionAgeGrace = server.OptionalDuration("max_connection_age_grace", defaults.MaxConnectionAgeGrace, TimeSpan.Zero, TimeSpan.FromDays(7)),
            KeepaliveTime = server.Duration("time", defaults.KeepaliveTime, TimeSpan.FromSeconds(1), TimeSpan.FromDays(7)),
            KeepaliveTimeout = server.Duration("timeout", defaults.KeepaliveTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        };

        if (options.MaxConnectionAgeGrace is not null && options.MaxConnectionAge is null)
        {
            server.KeyWarning("max_connection_age_grace", "has no effect without `max_connection_age`");
        }

        server.RefuseUnknownKeys();
        keepalive.Ignore(["enforcement_policy"], "pings are answered however often they come");
        keepalive.RefuseUnknownKeys();
        IncludeMetadata.Read(grpc);
        grpc.Ignore(["read_buffer_size", "write_buffer_size"], "the tap sizes its buffers itself");
        grpc.Refuse(["middlewares"], "the tap has no middlewares: remove it");
        grpc.RefuseUnknownKeys();
        return options;
    }
}
