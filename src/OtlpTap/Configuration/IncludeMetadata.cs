namespace OtlpTap.Configuration;

/// <summary><c>include_metadata</c> of a receiver: what the Collector needs it for, the tap names header by header.</summary>
internal static class IncludeMetadata
{
    public static void Read(Section protocol)
    {
        if (protocol.Flag("include_metadata", byDefault: false))
        {
            protocol.Warning("include_metadata", "has no effect: the request headers that travel on are named in `forward_headers` of the tap processor");
        }
    }
}
