using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;
using Yarp.ReverseProxy.Forwarder;

namespace OtlpTap.Benchmarks.Proxies;

/// <summary>The yardstick on the same runtime: YARP's forwarder between two HTTP/2 connections, with no routing, log or header work in the way.</summary>
internal sealed class YarpForwarder() : ProxyUnderTest("YARP")
{
    public override ChildProcess Start(int port, int upstreamPort, string folder) =>
        ChildProcess.StartSelf("yarp", port.ToString(CultureInfo.InvariantCulture), upstreamPort.ToString(CultureInfo.InvariantCulture));

    /// <summary>The process itself; ends by signal.</summary>
    public static async Task RunAsync(int port, int upstreamPort, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddHttpForwarder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 1024;
            kestrel.Limits.Http2.InitialStreamWindowSize = 1 << 20;
            kestrel.Limits.Http2.InitialConnectionWindowSize = 8 << 20;
            kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http2);
        });

        await using var application = builder.Build();
        var forwarder = application.Services.GetRequiredService<IHttpForwarder>();
        using var client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            EnableMultipleHttp2Connections = true,
            ActivityHeadersPropagator = new ReverseProxyPropagator(DistributedContextPropagator.CreateNoOutputPropagator()),
        });
        var request = new ForwarderRequestConfig { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var upstream = $"http://127.0.0.1:{upstreamPort}";
        application.Run(async context => await forwarder.SendAsync(context, upstream, client, request));
        await application.RunAsync(cancellation);
    }
}
