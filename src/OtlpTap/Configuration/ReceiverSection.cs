namespace OtlpTap.Configuration;

/// <summary><c>receivers</c>: the keys of the Collector's <c>otlp</c> receiver. A protocol is served when its key is there, also with nothing behind it.</summary>
internal static class ReceiverSection
{
    public static Components<ReceiverOptions> Read(Section receivers, Extensions extensions)
    {
        var components = new Components<ReceiverOptions>("receiver");
        foreach (var (id, type, section) in receivers.Components("otlp"))
        {
            var isOtlp = type == "otlp";
            if (!isOtlp && type.Length > 0)
            {
                receivers.KeyError(id, CollectorComponents.Receiver(type));
            }

            components.Add(id, section, isOtlp ? ReadOtlp(id, section, extensions) : null);
        }

        return components;
    }

    private static ReceiverOptions? ReadOtlp(string id, Section section, Extensions extensions)
    {
        var protocols = section.Map("protocols");
        section.RefuseUnknownKeys();
        var grpc = protocols.PresentMap("grpc") is { } grpcSection ? GrpcReceiverSection.Read(grpcSection, extensions) : null;
        var http = protocols.PresentMap("http") is { } httpSection ? HttpReceiverSection.Read(httpSection, extensions) : null;
        protocols.RefuseUnknownKeys();
        if (grpc is null && http is null)
        {
            section.Error("protocols", "`grpc`, `http` or both must be set: a protocol is served when its key is there");
            return null;
        }

        return new ReceiverOptions(id, grpc, http);
    }
}
