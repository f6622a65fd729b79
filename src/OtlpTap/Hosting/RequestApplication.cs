using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OtlpTap.Hosting;

/// <summary>
/// What Kestrel hands each request to: the listener's handler, which a reload exchanges. It takes the place of the host's
/// own, which starts an activity and writes diagnostic events for each request that nobody here listens to.
/// </summary>
internal sealed class RequestApplication(RequestDelegate handler) : IHttpApplication<DefaultHttpContext>
{
    private volatile RequestDelegate _handler = handler;

    /// <summary>Requests from now on go there; those under way stay where they are.</summary>
    public void Use(RequestDelegate next) => _handler = next;

    public DefaultHttpContext CreateContext(IFeatureCollection contextFeatures)
    {
        // Kestrel keeps the context of a connection's or stream's last request, for the next one.
        if (contextFeatures is not IHostContextContainer<DefaultHttpContext> kept)
        {
            return new DefaultHttpContext(contextFeatures);
        }

        if (kept.HostContext is { } context)
        {
            context.Initialize(contextFeatures);
            return context;
        }

        return kept.HostContext = new DefaultHttpContext(contextFeatures);
    }

    public Task ProcessRequestAsync(DefaultHttpContext context) => _handler(context);

    public void DisposeContext(DefaultHttpContext context, Exception? exception) => context.Uninitialize();
}
