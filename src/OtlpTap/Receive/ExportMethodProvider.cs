using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Otlp;
using OtlpTap.Pipeline;

namespace OtlpTap.Receive;

/// <summary>
/// Registers OTLP's Export methods with a marshaller that hands over raw bytes instead of messages. A signal without a
/// pipeline stays unregistered, so that gRPC answers UNIMPLEMENTED, as a Collector without that pipeline does.
/// </summary>
internal sealed class ExportMethodProvider(ExportMarshaller marshaller, ExportPipelines pipelines) : IServiceMethodProvider<ExportService>
{
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<ExportService> context)
    {
        foreach (var signal in Enum.GetValues<Signal>().Where(pipelines.Has))
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
