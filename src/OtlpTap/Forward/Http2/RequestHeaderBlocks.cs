using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Http2;

/// <summary>The encoded header block of a request, and what it counts towards the peer's SETTINGS_MAX_HEADER_LIST_SIZE.</summary>
internal sealed record RequestHeaderBlock(byte[] Bytes, int ListSize);

/// <summary>
/// The header blocks of all requests to one upstream, by path and metadata. Metadata comes from clients, so the
/// number of kept blocks is bounded: at the bound all are forgotten, and the ones in use come back at once.
/// </summary>
internal sealed class RequestHeaderBlocks(UpstreamOptions options)
{
    /// <summary>Tenants and credentials in use at the same time; 256 blocks of some 200 bytes.</summary>
    public const int CountMax = 256;

    /// <summary>Fields that are the transport's own, or that HTTP/2 forbids (RFC 9113 section 8.2.2).</summary>
    private static readonly HashSet<string> Reserved = new(StringComparer.Ordinal)
    {
        "connection", "content-length", "content-type", "grpc-encoding", "grpc-timeout", "host", "keep-alive",
        "proxy-connection", "te", "transfer-encoding", "upgrade", "user-agent",
    };

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz");

    private readonly ConcurrentDictionary<(Signal, RequestMetadata), RequestHeaderBlock> _blocks = new();

    /// <summary>For a call that carries no telemetry.</summary>
    public RequestHeaderBlock ForHealthCheck() => Encode(UpstreamPaths.HealthCheck, RequestMetadata.Empty);

    public RequestHeaderBlock For(Signal signal, RequestMetadata metadata)
    {
        if (_blocks.TryGetValue((signal, metadata), out var block))
        {
            return block;
        }

        if (_blocks.Count >= CountMax)
        {
            _blocks.Clear();
        }

        block = Encode(UpstreamPaths.Export(signal), metadata);
        _blocks[(signal, metadata)] = block;
        return block;
    }

    /// <summary>Up to eight digits and a unit (gRPC over HTTP/2, "Timeout").</summary>
    internal static string FormatTimeout(TimeSpan timeout)
    {
        var milliseconds = Math.Max(1, (long)timeout.TotalMilliseconds);
        return milliseconds <= 99_999_999
            ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds}m")
            : string.Create(CultureInfo.InvariantCulture, $"{Math.Min(99_999_999, milliseconds / 1000)}S");
    }

    private RequestHeaderBlock Encode(string path, RequestMetadata metadata)
    {
        var block = new ArrayBufferWriter<byte>(256);
        var listSize = 0;

        HpackEncoder.WriteIndexed(block, HpackStaticTable.MethodPost);
        Count(":method", "POST");
        HpackEncoder.WriteIndexed(block, options.Endpoint.UseTls ? HpackStaticTable.SchemeHttps : HpackStaticTable.SchemeHttp);
        Count(":scheme", options.Endpoint.UseTls ? "https" : "http");
        HpackEncoder.WriteLiteral(block, HpackStaticTable.Path, path);
        Count(":path", path);
        HpackEncoder.WriteLiteral(block, HpackStaticTable.Authority, options.Endpoint.Authority);
        Count(":authority", options.Endpoint.Authority);
        HpackEncoder.WriteLiteral(block, HpackStaticTable.ContentType, "application/grpc");
        Count("content-type", "application/grpc");
        HpackEncoder.WriteLiteral(block, "te", "trailers");
        Count("te", "trailers");
        HpackEncoder.WriteLiteral(block, HpackStaticTable.UserAgent, options.UserAgent);
        Count("user-agent", options.UserAgent);
        var timeout = FormatTimeout(options.Timeout);
        HpackEncoder.WriteLiteral(block, "grpc-timeout", timeout);
        Count("grpc-timeout", timeout);

        foreach (var (name, value) in options.Headers)
        {
            if (IsSendable(name, value))
            {
                HpackEncoder.WriteSecret(block, name, value);
                Count(name, value);
            }
        }

        foreach (var (name, value) in metadata.Entries)
        {
            if (IsSendable(name, value) && !IsConfigured(name))
            {
                HpackEncoder.WriteSecret(block, name, value);
                Count(name, value);
            }
        }

        return new RequestHeaderBlock(block.WrittenSpan.ToArray(), listSize);

        void Count(string name, string value) => listSize += name.Length + Encoding.UTF8.GetByteCount(value) + HpackEntry.Overhead;
    }

    // What is no legal field would make the whole request malformed; it cannot come in through a checked configuration or from the wire.
    private static bool IsSendable(string name, string value) =>
        name.Length > 0
        && !name.AsSpan().ContainsAnyExcept(NameCharacters)
        && !Reserved.Contains(name)
        && !value.AsSpan().ContainsAny('\0', '\r', '\n');

    private bool IsConfigured(string name)
    {
        foreach (var header in options.Headers)
        {
            if (header.Name == name)
            {
                return true;
            }
        }

        return false;
    }
}
