using System.Diagnostics;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OtlpTap.Receive;

namespace OtlpTap.Hosting;

/// <summary>
/// What all listeners have in common: the transport with its memory, the log, and gRPC. No host stands around it: a
/// listener is a server of its own, which nothing but its <see cref="ListenerSet"/> starts and stops.
/// </summary>
internal sealed class Server : IAsyncDisposable
{
    /// <summary>The largest that <c>max_recv_msg_size_mib</c> can be; each receiver's own limit is kept by <see cref="Admission"/>.</summary>
    private const int MessageBytesMax = 1 << 30;

    private readonly ServiceProvider _services;

    public Server(ExportMethodProvider methods, ILoggerFactory logs, TimeProvider time)
    {
        var services = new ServiceCollection();
        Handshakes = new TlsHandshakes(new ServerLogs(logs, time));
        services.AddSingleton<ILoggerFactory>(Handshakes);
        services.AddLogging();
        services.AddMetrics();

        // Routing asks for it under both names.
        var diagnostics = new DiagnosticListener("Microsoft.AspNetCore");
        services.AddSingleton(diagnostics);
        services.AddSingleton<DiagnosticSource>(diagnostics);
        new Transport(services).UseKestrelCore().UseSockets(sockets => sockets.CreateBoundListenSocket = ListenSockets.CreateBound);

        // After those, which bring a pool of their own.
        services.AddSingleton<IMemoryPoolFactory<byte>, BlockPoolFactory>();
        services.AddRoutingCore();
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MessageBytesMax;
            grpc.CompressionProviders = AcceptedEncoding.All;
        });
        services.AddSingleton<IServiceMethodProvider<ExportService>>(methods);
        _services = services.BuildServiceProvider();
        Grpc = Route(routes => routes.MapGrpcService<ExportService>());
    }

    public IServiceProvider Services => _services;

    public ILoggerFactory Logs => _services.GetRequiredService<ILoggerFactory>();

    public TlsHandshakes Handshakes { get; }

    public IConnectionListenerFactory Sockets => _services.GetRequiredService<IConnectionListenerFactory>();

    /// <summary>gRPC itself. The request brings the <see cref="ExportService"/> that it is for: see <see cref="ReceiverScope"/>.</summary>
    public RequestDelegate Grpc { get; }

    /// <summary>A handler of its own for what is mapped.</summary>
    /// <param name="otherwise">Answers what nothing is mapped for; null: 404.</param>
    public RequestDelegate Route(Action<IEndpointRouteBuilder> map, RequestDelegate? otherwise = null)
    {
        var application = new ApplicationBuilder(_services).UseRouting().UseEndpoints(map);
        return (otherwise is null ? application : application.Use(_ => otherwise)).Build();
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    /// <summary>Kestrel and its sockets are offered to web hosts only; of those they need this much.</summary>
    private sealed class Transport(IServiceCollection services) : IWebHostBuilder
    {
        public IWebHostBuilder ConfigureServices(Action<IServiceCollection> configureServices)
        {
            configureServices(services);
            return this;
        }

        public IWebHostBuilder ConfigureServices(Action<WebHostBuilderContext, IServiceCollection> configureServices) => throw new NotSupportedException();

        public IWebHostBuilder ConfigureAppConfiguration(Action<WebHostBuilderContext, IConfigurationBuilder> configureDelegate) => throw new NotSupportedException();

        public string? GetSetting(string key) => null;

        public IWebHostBuilder UseSetting(string key, string? value) => throw new NotSupportedException();

#pragma warning disable ASPDEPR008 // a member of the interface that they want; nothing is built
        public IWebHost Build() => throw new NotSupportedException();
#pragma warning restore ASPDEPR008
    }
}
