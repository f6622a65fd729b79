using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace OtlpTap.Tests.Forward;

/// <summary>What arrived, byte for byte.</summary>
internal sealed record StubCall(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>Of a gRPC call: what stands behind the prefix.</summary>
    public byte[] Message => Body[5..];

    /// <summary>Of an HTTP call or a gRPC message: decompressed, where it says that it is compressed.</summary>
    public byte[] Decompressed => Path.StartsWith("/opentelemetry.", StringComparison.Ordinal)
        ? Decompress(Message, Body[0] == 1 ? Headers["grpc-encoding"] : null)
        : Decompress(Body, Headers.GetValueOrDefault("content-encoding"));

    private static byte[] Decompress(byte[] bytes, string? encoding)
    {
        switch (encoding)
        {
            case null:
                return bytes;

            case "gzip":
                using (var gzip = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress))
                using (var plain = new MemoryStream())
                {
                    gzip.CopyTo(plain);
                    return plain.ToArray();
                }

            case "zstd":
                using (var decompressor = new ZstdSharp.Decompressor())
                {
                    return decompressor.Unwrap(bytes).ToArray();
                }

            default:
                throw new InvalidOperationException($"An encoding that nobody asked for: {encoding}");
        }
    }
}

/// <summary>A real HTTP server, HTTP/2 unless told otherwise, on a loopback port that records what comes and does what the test says.</summary>
internal sealed class StubUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _connections;

    private StubUpstream(WebApplication app)
    {
        _app = app;
    }

    public ConcurrentQueue<StubCall> Calls { get; } = new();

    /// <summary>How many connections were made to it.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>How to answer; full success at once unless the test says otherwise.</summary>
    public Func<HttpContext, StubCall, Task> Answer { get; set; } = (context, _) => SucceedAsync(context);

    public int Port { get; private set; }

    public string Endpoint => $"127.0.0.1:{Port}";

    /// <summary>The HTTP version of each request.</summary>
    public ConcurrentQueue<string> Protocols { get; } = new();

    /// <summary>What the last TLS handshake asked for by SNI.</summary>
    public string? ServerName { get; private set; }

    /// <summary>What the last TLS handshake showed.</summary>
    public X509Certificate2? ClientCertificate { get; private set; }

    public static async Task<StubUpstream> StartAsync(
        int port = 0,
        X509Certificate2? certificate = null,
        int streamsMax = 100,
        HttpProtocols protocols = HttpProtocols.Http2,
        IPAddress? address = null,
        Action<HttpsConnectionAdapterOptions>? tls = null)
    {
        StubUpstream? stub = null;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.Http2.MaxStreamsPerConnection = streamsMax;
            kestrel.Listen(address ?? IPAddress.Loopback, port, listen =>
            {
                listen.Protocols = protocols;
                listen.Use(next => connection =>
                {
                    Interlocked.Increment(ref stub!._connections);
                    return next(connection);
                });
                if (certificate is not null)
                {
                    listen.UseHttps(https =>
                    {
                        https.ServerCertificateSelector = (_, name) =>
                        {
                            stub!.ServerName = name;
                            return certificate;
                        };
                        https.ClientCertificateValidation = (shown, _, _) =>
                        {
                            stub!.ClientCertificate = shown;
                            return true;
                        };
                        tls?.Invoke(https);
                    });
                }
            });
        });
        var app = builder.Build();
        stub = new StubUpstream(app);
        app.Run(stub.HandleAsync);
        await app.StartAsync();
        var bound = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        stub.Port = new Uri(bound).Port;
        return stub;
    }

    /// <summary>A port where nobody listens.</summary>
    public static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public static Task SucceedAsync(HttpContext context) => ReplyAsync(context, StatusCode.OK, body: []);

    /// <summary>Answers with a message and the status in trailers.</summary>
    public static async Task ReplyAsync(HttpContext context, StatusCode status, string? message = null, byte[]? body = null, byte flag = 0, params (string Name, string Value)[] trailers)
    {
        context.Response.ContentType = "application/grpc";
        if (body is not null)
        {
            await context.Response.Body.WriteAsync(Frame(body, flag), context.RequestAborted);
        }

        context.Response.AppendTrailer("grpc-status", ((int)status).ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (message is not null)
        {
            context.Response.AppendTrailer("grpc-message", message);
        }

        foreach (var (name, value) in trailers)
        {
            context.Response.AppendTrailer(name, value);
        }
    }

    /// <summary>Answers "trailers-only": all in one header block.</summary>
    public static Task RefuseAsync(HttpContext context, StatusCode status, string message, params (string Name, string Value)[] trailers)
    {
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = ((int)status).ToString(System.Globalization.CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = message;
        foreach (var (name, value) in trailers)
        {
            context.Response.Headers[name] = value;
        }

        return Task.CompletedTask;
    }

    public static byte[] Frame(byte[] message, byte flag = 0)
    {
        var frame = new byte[5 + message.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    /// <summary>Answers an OTLP/HTTP request.</summary>
    public static async Task AnswerHttpAsync(HttpContext context, int status, string? contentType = null, byte[]? body = null, params (string Name, string Value)[] headers)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        foreach (var (name, value) in headers)
        {
            context.Response.Headers[name] = value;
        }

        if (body is not null)
        {
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    /// <summary>Takes no new requests, and ends when those in flight are answered.</summary>
    public Task StopGracefullyAsync() => _app.StopAsync(Deadline.Token());

    /// <summary>Cuts the connections and closes the port.</summary>
    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var headers = context.Request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString());
        var call = new StubCall(context.Request.Path, headers, body.ToArray());
        Protocols.Enqueue(context.Request.Protocol);

        // Asked for first: a test that has seen the call may change the answer, for the calls that come then.
        var answer = Answer;
        Calls.Enqueue(call);
        await answer(context, call);
    }
}
