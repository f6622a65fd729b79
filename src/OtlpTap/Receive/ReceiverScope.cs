using Microsoft.AspNetCore.Http.Features;

namespace OtlpTap.Receive;

/// <summary>
/// Which <see cref="ExportService"/> gRPC is to call: it asks the services of the request, and each listener has its own.
/// One object for all requests of a listener, set where the host would make a scope for each of them.
/// </summary>
internal sealed class ReceiverScope(ExportService service, IServiceProvider shared) : IServiceProvidersFeature, IServiceProvider
{
    public IServiceProvider RequestServices
    {
        get => this;
        set => throw new NotSupportedException("The services of a request are its receiver's.");
    }

    public object? GetService(Type serviceType) => serviceType == typeof(ExportService) ? service : shared.GetService(serviceType);
}
