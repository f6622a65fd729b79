namespace OtlpTap.Receive;

/// <summary>The two forms of an OTLP/HTTP message; the answer comes in the same.</summary>
internal enum HttpMediaType
{
    /// <summary>Neither of the two. Answered in JSON, which people and proxies can read.</summary>
    Unknown,

    Json,

    /// <summary><c>application/x-protobuf</c>: the name that OTLP has for it.</summary>
    Protobuf,

    /// <summary><c>application/protobuf</c>: the name that was registered since; some SDKs and gateways send it.</summary>
    RegisteredProtobuf,
}

/// <summary>Names of <see cref="HttpMediaType"/>.</summary>
internal static class HttpMediaTypes
{
    /// <summary>Parameters, such as a charset, are passed over: JSON is UTF-8 by its own definition (RFC 8259).</summary>
    public static HttpMediaType Of(string? contentType)
    {
        var end = contentType?.IndexOf(';') ?? -1;
        var name = (end < 0 ? contentType : contentType.AsSpan(0, end)).Trim();
        foreach (var type in (ReadOnlySpan<HttpMediaType>)[HttpMediaType.Protobuf, HttpMediaType.Json, HttpMediaType.RegisteredProtobuf])
        {
            if (name.Equals(NameOf(type), StringComparison.OrdinalIgnoreCase))
            {
                return type;
            }
        }

        return HttpMediaType.Unknown;
    }

    public static string NameOf(HttpMediaType type) => type switch
    {
        HttpMediaType.Protobuf => "application/x-protobuf",
        HttpMediaType.RegisteredProtobuf => "application/protobuf",
        _ => "application/json",
    };

    public static bool IsProtobuf(HttpMediaType type) => type is HttpMediaType.Protobuf or HttpMediaType.RegisteredProtobuf;
}
