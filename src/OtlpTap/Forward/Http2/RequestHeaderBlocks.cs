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

    // What no value may hold (RFC 9110 section 5.5); nghttp2, and with it Envoy, resets a stream for any of them.
    private static readonly SearchValues<char> ForbiddenCharacters =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Append(0x7F).Where(c => c != '\t').Select(c => (char)c)]);

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz");

    private readonly ConcurrentDictionary<(Signal, RequestMetadata), RequestHeaderBlock> _blocks = new();

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
            Add(name, value);
        }

        foreach (var (name, value) in metadata.Entries)
        {
            if (!IsConfigured(name))
            {
                Add(name, value);
            }
        }

        return new RequestHeaderBlock(block.WrittenSpan.ToArray(), listSize);

        void Add(string name, string value)
        {
            // Blanks around a value are no part of it, and not allowed on the wire (RFC 9113 section 8.2.1).
            value = value.Trim(' ', '\t');
            if (IsSendable(name, value))
            {
                HpackEncoder.WriteSecret(block, name, value);
                Count(name, value);
            }
        }

        void Count(string name, string value) => listSize += name.Length + Encoding.UTF8.GetByteCount(value) + HpackEntry.Overhead;
    }

    // What is no legal field would make the whole request malformed; it cannot come in through a checked configuration or from the wire.
    private static bool IsSendable(string name, string value) =>
        name.Length > 0
        && !name.AsSpan().ContainsAnyExcept(NameCharacters)
        && !Reserved.Contains(name)
        && !value.AsSpan().ContainsAny(ForbiddenCharacters);

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
