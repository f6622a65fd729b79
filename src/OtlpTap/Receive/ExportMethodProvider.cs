using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>
/// Registers OTLP's Export methods with a marshaller that hands over raw bytes instead of messages. All of them, for all
/// receivers: <see cref="ExportService"/> answers for a signal that its receiver has no pipeline for.
/// </summary>
internal sealed class ExportMethodProvider(ExportMarshaller marshaller) : IServiceMethodProvider<ExportService>
{
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<ExportService> context)
    {
        foreach (var signal in Enum.GetValues<Signal>())
        {
            Add(context, signal);
        }
    }

    private void Add(ServiceMethodProviderContext<ExportService> context, Signal signal)
    {
        var method = new Method<Payload, ExportReply>(
            MethodType.Unary, ExportServiceNames.Of(signal), "Export", marshaller.Request, marshaller.Reply);
        context.AddUnaryMethod(method, [], (service, request, call) => service.ExportAsync(signal, request, call));
    }
}
