using System.Collections.Immutable;
using System.Net;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using OtlpTap.Configuration;
using OtlpTap.Metrics;
using OtlpTap.Receive;

namespace OtlpTap.Hosting;

/// <summary>Puts together what a configuration wants to listen on, for <see cref="ListenerSet.ApplyAsync"/>.</summary>
internal sealed class ListenerPlans(ListenerMetrics metrics, ILogger log, TimeProvider time)
{
    private readonly List<ListenerPlan> _plans = [];

    public IReadOnlyList<ListenerPlan> All => _plans;

    /// <param name="grpc">Answers OTLP/gRPC. Given the header by which senders are let in, or null: it must not travel on.</param>
    /// <param name="http">Answers OTLP/HTTP.</param>
    /// <param name="httpFront">What stands before the answers of OTLP/HTTP, that a sender is not let in included.</param>
    /// <exception cref="ListenException">Tokens or passwords cannot be read.</exception>
    public ListenerPlans Receiver(ReceiverOptions receiver, Func<string?, RequestDelegate>? grpc, Func<string?, RequestDelegate>? http, Func<RequestDelegate, RequestDelegate>? httpFront = null)
    {
        var isShared = receiver is { Grpc: { } one, Http: { } other } && grpc is not null && http is not null && one.Endpoint == other.Endpoint && IsSettled(one.Endpoint);
        if (isShared)
        {
            Shared(receiver.Id, receiver.Grpc!, receiver.Http!, grpc!, http!, httpFront);
            return this;
        }

        if (receiver.Grpc is { } grpcOptions && grpc is not null)
        {
            Add(ListenerSettings.Of(ListenerName.Grpc(receiver.Id), grpcOptions), grpcOptions.Authenticator, grpc);
        }

        if (receiver.Http is { } httpOptions && http is not null)
        {
            Add(ListenerSettings.Of(ListenerName.Http(receiver.Id), httpOptions), httpOptions.Authenticator, httpOptions.KeepAlivesEnabled ? http : header => EndingConnections(http(header)), httpFront);
        }

        return this;
    }

    /// <exception cref="ListenException">Tokens or passwords cannot be read.</exception>
    public ListenerPlans Admin(AdminOptions admin, RequestDelegate handler)
    {
        if (admin.Authenticator is null && !IsOfThisMachineAlone(admin.Endpoint))
        {
            var (open, remedy) = admin.Api is null && admin.ApiWrite is null ? ("metrics tell what runs here, and the API lets traces be kept", "an api.token, ") : ("metrics tell what runs here", "");
            log.AdminIsOpen(admin.Endpoint, open, remedy);
        }

        var settings = ListenerSettings.Of(ListenerName.Admin, admin.Endpoint, admin.Tls);
        var instruments = metrics.For(settings.Name.ToString());
        var front = IsReadByPages(admin) ? HostFront(admin.Hosts, instruments) : null;
        var read = admin.Api is null ? null : CreateAuthenticator(settings, admin.Api, instruments);
        var write = admin.ApiWrite is null ? null : CreateAuthenticator(settings, admin.ApiWrite, instruments, read);
        var isKnown = admin.Authenticator is not null || admin.Tls?.ClientCaFile is not null;
        var gate = new ApiGate(read, write, isKnown, OwnAddress(admin.Endpoint), handler, instruments.RequestUnauthenticated);
        Add(settings, admin.Authenticator, _ => gate.InvokeAsync, front, new Owned(read, write));
        return this;
    }

    /// <exception cref="ListenException">Tokens or passwords cannot be read.</exception>
    public ListenerPlans Health(HealthCheckOptions health, RequestDelegate handler) => Own(ListenerName.Health, health, handler);

    /// <summary>Where <c>service.telemetry</c> wants the metrics, beside the admin port; it has neither TLS nor an authenticator, as in the Collector.</summary>
    /// <param name="hosts">Names by which the admin port is known.</param>
    public ListenerPlans Metrics(ListenAddress endpoint, ImmutableArray<string> hosts, RequestDelegate handler)
    {
        var settings = ListenerSettings.Of(ListenerName.Metrics, endpoint, tls: null);
        Add(settings, null, _ => handler, HostFront(hosts, metrics.For(settings.Name.ToString())));
        return this;
    }

    // What asks for a credential, or for a certificate of its name, gives a page nothing.
    private static bool IsReadByPages(AdminOptions admin) => admin.Tls is null && admin.Authenticator is null;

    private static Func<RequestDelegate, RequestDelegate> HostFront(ImmutableArray<string> hosts, ListenerMetrics.Of instruments) =>
        next => new HostGate(hosts, next, instruments.RequestMisdirected).InvokeAsync;

    private ListenerPlans Own(ListenerName name, ListenerOptions options, RequestDelegate handler)
    {
        Add(ListenerSettings.Of(name, options.Endpoint, options.Tls), options.Authenticator, _ => handler);
        return this;
    }

    /// <summary>
    /// OTLP/gRPC and OTLP/HTTP on one port, which the specification allows ("OTLP/HTTP Default Port"): the content type
    /// tells them apart. TLS and idle times are those of HTTP, what only gRPC has is gRPC's.
    /// </summary>
    private void Shared(string receiver, GrpcReceiverOptions grpc, HttpReceiverOptions http, Func<string?, RequestDelegate> toGrpc, Func<string?, RequestDelegate> toHttp, Func<RequestDelegate, RequestDelegate>? httpFront)
    {
        var settings = ListenerSettings.Of(ListenerName.Http(receiver), http) with
        {
            MaxConcurrentStreams = Math.Max(grpc.MaxConcurrentStreams, http.MaxConcurrentStreams),
            KeepaliveTime = grpc.KeepaliveTime,
            KeepaliveTimeout = grpc.KeepaliveTimeout,
            MaxConnectionAge = grpc.MaxConnectionAge,
            MaxConnectionAgeGrace = grpc.MaxConnectionAgeGrace,
        };
        Add(settings, http.Authenticator ?? grpc.Authenticator, credentialHeader =>
        {
            var (onGrpc, onHttp) = (toGrpc(credentialHeader), toHttp(credentialHeader));
            return request => Admission.IsGrpc(request.Request) ? onGrpc(request) : onHttp(request);
        }, httpFront is null ? null : next =>
        {
            var front = httpFront(next);
            return request => Admission.IsGrpc(request.Request) ? next(request) : front(request);
        });
    }

    /// <summary><c>keep_alives_enabled: false</c>: this request is the connection's last.</summary>
    private static RequestDelegate EndingConnections(RequestDelegate handler) => http =>
    {
        if (HttpProtocol.IsHttp2(http.Request.Protocol))
        {
            http.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }
        else
        {
            http.Response.Headers.Connection = "close";
        }

        return handler(http);
    };

    private void Add(ListenerSettings settings, AuthenticatorOptions? options, Func<string?, RequestDelegate> handler, Func<RequestDelegate, RequestDelegate>? front = null, IDisposable? owned = null)
    {
        front ??= static next => next;
        if (options is null)
        {
            _plans.Add(new ListenerPlan(settings, front(handler(null)), owned));
            return;
        }

        var instruments = metrics.For(settings.Name.ToString());
        var authenticator = CreateAuthenticator(settings, options, instruments, owned);
        var gate = new AuthenticationGate(authenticator, handler(authenticator.Header), instruments.RequestUnauthenticated);
        _plans.Add(new ListenerPlan(settings, front(gate.InvokeAsync), owned is null ? authenticator : new Owned(authenticator, owned)));
    }

    /// <param name="owned">What the same plan owns already.</param>
    private Authenticator CreateAuthenticator(ListenerSettings settings, AuthenticatorOptions options, ListenerMetrics.Of instruments, IDisposable? owned = null)
    {
        try
        {
            return Authenticator.Create(options, time, NotReloaded);
        }
        catch (UnusableFileException problem)
        {
            owned?.Dispose();
            foreach (var plan in _plans)
            {
                plan.Owned?.Dispose();
            }

            throw new ListenException($"cannot let anyone in on {settings.Endpoint} ({settings.Name}): {problem.Message}", problem);
        }

        void NotReloaded(string problem, bool isNew)
        {
            instruments.CredentialsReloadFailed();
            if (isNew)
            {
                log.CredentialsNotReloaded(settings.Name, problem);
            }
        }
    }

    private sealed class Owned(IDisposable? one, IDisposable? other) : IDisposable
    {
        public void Dispose()
        {
            one?.Dispose();
            other?.Dispose();
        }
    }

    // Port 0 is another port each time.
    private static bool IsSettled(ListenAddress endpoint) => endpoint.UnixPath is not null || endpoint.Tcp.Port != 0;

    // Of a name nobody knows here what it leads to.
    private static IPAddress? OwnAddress(ListenAddress endpoint) =>
        endpoint.UnixPath is null && !endpoint.Tcp.IsEveryAddress && IPAddress.TryParse(endpoint.Tcp.Host, out var address) ? address : null;

    private static bool IsOfThisMachineAlone(ListenAddress endpoint) =>
        endpoint.UnixPath is not null
        || endpoint.Tcp.Host == "localhost"
        || (IPAddress.TryParse(endpoint.Tcp.Host, out var address) && IPAddress.IsLoopback(address));
}
