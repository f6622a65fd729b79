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
internal sealed class RequestHeaderBlocks(UpstreamOptions options, ClientCredential? credential = null)
{
    /// <summary>Why there is no block, so no call.</summary>
    public const string NoCredential = "the credential to show to it cannot be read";

    /// <summary>Tenants and credentials in use at the same time; 256 blocks of some 200 bytes.</summary>
    public const int CountMax = 256;

    // A credential that changes makes all blocks void at once: they are kept beside the one they were made with.
    private volatile Generation _generation = new(null);

    /// <summary>Fields that are the transport's own, or that HTTP/2 forbids (RFC 9113 section 8.2.2).</summary>
    private static readonly HashSet<string> Reserved = new(StringComparer.Ordinal)
    {
        "connection", "content-length", "content-type", "grpc-encoding", "grpc-timeout", "host", "keep-alive",
        "proxy-connection", "te", "transfer-encoding", "upgrade", "user-agent",
    };

    /// <summary>Null where the upstream is to be shown a credential that there is none of.</summary>
    public RequestHeaderBlock? For(Signal signal, RequestMetadata metadata)
    {
        var generation = _generation;
        if (credential is not null)
        {
            if (credential.Current is not { } current)
            {
                return null;
            }

            if (generation.Credential != current)
            {
                _generation = generation = new Generation(current);
            }
        }

        var blocks = generation.Blocks;
        if (blocks.TryGetValue((signal, metadata), out var block))
        {
            return block;
        }

        if (blocks.Count >= CountMax)
        {
            blocks.Clear();
        }

        block = Encode(UpstreamPaths.Export(signal), metadata, generation.Credential);
        blocks[(signal, metadata)] = block;
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

    private RequestHeaderBlock Encode(string path, RequestMetadata metadata, CredentialHeader? shown)
    {
        var block = new ArrayBufferWriter<byte>(256);
        var listSize = 0;

        HpackEncoder.WriteIndexed(block, HpackStaticTable.MethodPost);
        Count(":method", "POST");
        HpackEncoder.WriteIndexed(block, options.Endpoint.UseTls ? HpackStaticTable.SchemeHttps : HpackStaticTable.SchemeHttp);
        Count(":scheme", options.Endpoint.UseTls ? "https" : "http");
        HpackEncoder.WriteLiteral(block, HpackStaticTable.Path, path);
        Count(":path", path);
        var authority = options.Authority ?? options.Endpoint.Authority;
        HpackEncoder.WriteLiteral(block, HpackStaticTable.Authority, authority);
        Count(":authority", authority);
        HpackEncoder.WriteLiteral(block, HpackStaticTable.ContentType, "application/grpc");
        Count("content-type", "application/grpc");
        HpackEncoder.WriteLiteral(block, "te", "trailers");
        Count("te", "trailers");
        HpackEncoder.WriteLiteral(block, HpackStaticTable.UserAgent, options.UserAgent);
        Count("user-agent", options.UserAgent);
        var timeout = FormatTimeout(options.Timeout);
        HpackEncoder.WriteLiteral(block, "grpc-timeout", timeout);
        Count("grpc-timeout", timeout);

        // Says what a message with the flag set is compressed with; one without it may go too.
        if (options.Compression.Name() is { } compression)
        {
            HpackEncoder.WriteLiteral(block, "grpc-encoding", compression);
            Count("grpc-encoding", compression);
        }

        foreach (var (name, value) in RequestHeaders.Of(options, shown, metadata))
        {
            Add(name, value);
        }

        return new RequestHeaderBlock(block.WrittenSpan.ToArray(), listSize);

        void Add(string name, string value)
        {
            if (!Reserved.Contains(name))
            {
                HpackEncoder.WriteSecret(block, name, value);
                Count(name, value);
            }
        }

        void Count(string name, string value) => listSize += name.Length + Encoding.UTF8.GetByteCount(value) + HpackEntry.Overhead;
    }

    private sealed record Generation(CredentialHeader? Credential)
    {
        public ConcurrentDictionary<(Signal, RequestMetadata), RequestHeaderBlock> Blocks { get; } = new();
    }
}
