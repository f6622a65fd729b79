using OtlpTap.Forward;

namespace OtlpTap.Configuration;

/// <summary><c>exporters.otlp_grpc</c>.</summary>
internal static class OtlpGrpcExporterSection
{
    public static OtlpGrpcExporterOptions? Read(string id, Section section, Extensions extensions)
    {
        var defaults = new ForwardOptions { Endpoint = "" };
        var address = section.RequiredText("endpoint") ?? "";
        var options = ClientSection.Read(section, extensions, defaults) with
        {
            Endpoint = address,
            IsRoundRobin = section.Choice("balancer_name", defaults.IsRoundRobin, [("round_robin", true), ("pick_first", false)]),
            Authority = section.Text("authority") is { Length: > 0 } authority ? authority : null,
            UserAgent = section.Text("user_agent") is { Length: > 0 } agent ? agent : null,
        };

        CheckText(section, "authority", options.Authority);
        CheckText(section, "user_agent", options.UserAgent);
        section.Ignore(["keepalive"], "the tap pings an upstream by itself while calls are in flight");
        section.Ignore(["read_buffer_size", "write_buffer_size"], "the tap sizes its buffers itself");
        section.Ignore(["wait_for_ready"], "a call to an upstream that is not there fails at once, and its sender comes again");
        var exporter = DeliverySection.Read(new OtlpGrpcExporterOptions(id, options) { Spool = DeliverySection.ReadSpool(id, section) }, section);
        section.RefuseUnknownKeys();
        if (options.Endpoint.Length == 0)
        {
            return null;
        }

        CheckEndpoint(section, options);
        return exporter;
    }

    private static void CheckEndpoint(Section section, ForwardOptions options)
    {
        const string Key = "endpoint";
        if (!ClientSection.CheckAscii(section, Key, options.Endpoint))
        {
            return;
        }

        if (!UpstreamEndpoint.TryParse(options.Endpoint, options.Insecure, out var endpoint, out var problem))
        {
            section.Error(Key, problem);
        }
        else if (endpoint.Port == 0)
        {
            section.Error(Key, "port 0 cannot be sent to");
        }
        else if (!endpoint.UseTls)
        {
            ClientSection.CheckCleartext(section, Key, options);
        }
    }

    private static void CheckText(Section section, string key, string? text)
    {
        if (text is not null && !HeaderName.IsValue(text))
        {
            section.Error(key, "printable ASCII without blanks around it is expected here");
        }
    }
}
