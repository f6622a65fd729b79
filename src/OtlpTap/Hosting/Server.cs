using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OtlpTap.Configuration;
using OtlpTap.Metrics;
using OtlpTap.Receive;

namespace OtlpTap.Hosting;

/// <summary>Kestrel with the two ports: OTLP/gRPC on one, the admin pages on the other.</summary>
internal static class Server
{
    /// <param name="mapAdmin">Maps the pages of the admin port.</param>
    public static WebApplication Create(
        TapOptions options,
        ReceiveOptions receive,
        ExportMethodProvider methods,
        ExportService service,
        Admission admission,
        Action<IEndpointRouteBuilder> mapAdmin,
        ILoggerFactory logs,
        TimeProvider time)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => Listeners.Configure(kestrel, options));

        var services = builder.Services;
        services.Replace(ServiceDescriptor.Singleton<ILoggerFactory>(new ServerLogs(logs, time)));
        services.Replace(ServiceDescriptor.Singleton<IHostLifetime, NoLifetime>());
        services.AddSingleton<IMemoryPoolFactory<byte>, BlockPoolFactory>();
        services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = Listeners.Open);
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Service.ShutdownDeadline);
        services.AddRoutingCore();
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = (int)receive.MessageBytesMax;
            grpc.CompressionProviders = AcceptedEncoding.All;
        });
        services.AddSingleton(service);
        services.AddSingleton<IServiceMethodProvider<ExportService>>(methods);

        var server = builder.Build();
        server.MapWhen(http => http.Features.Get<AdminPort>() is not null, admin => admin.UseRouting().UseEndpoints(mapAdmin));
        server.Use(next => http => admission.InvokeAsync(http, next));
        server.UseRouting();
        server.MapGrpcService<ExportService>();
        return server;
    }

    /// <summary>Signals are handled by <see cref="TapCommand"/>, which knows the order in which rooms go down.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
