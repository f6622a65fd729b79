using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OtlpTap.Receive;

/// <summary>The way of a request through OTLP/gRPC of one receiver: to its admission, and with its scope to gRPC.</summary>
internal sealed class GrpcHandler(Admission admission, ReceiverScope scope, RequestDelegate grpc)
{
    public Task InvokeAsync(HttpContext http)
    {
        // First, while nothing else of the request was asked for: each change of a feature makes it look up all others again.
        http.Features.Set<IServiceProvidersFeature>(scope);
        return admission.InvokeAsync(http, grpc);
    }
}
