using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>The ports: connections, certificates, and who is not let in. The label is the listener's name, so many as the configuration has.</summary>
internal sealed class ListenerMetrics(IMetricFactory factory)
{
    private readonly Gauge _connections =
        factory.CreateGauge("otlptap_connections", "Open connections.", ["listener"]);

    private readonly Counter _connectionsRefused =
        factory.CreateCounter("otlptap_refused_connections_total", "Connections closed at once, because all that may be open were, or all that may be of one address.", ["listener"]);

    private readonly Counter _wrongProtocol =
        factory.CreateCounter("otlptap_wrong_protocol_connections_total", "Connections that sent HTTP/1.1 to a port that takes gRPC alone, TLS to a port without it, or HTTP in the clear to a port with it.", ["listener"]);

    private readonly Counter _handshakeFailures =
        factory.CreateCounter("otlptap_tls_handshake_failures_total", "TLS handshakes that failed: the log says why, once in a while.", ["listener"]);

    private readonly Counter _unauthenticated =
        factory.CreateCounter("otlptap_unauthenticated_requests_total", "Requests answered UNAUTHENTICATED or 401, or 403 because their token may only read or a reload from another machine has none, or told to come again while passwords were being checked.", ["listener"]);

    private readonly Counter _misdirected =
        factory.CreateCounter("otlptap_misdirected_requests_total", "Requests answered 421, because they came by a name that the port is not known by.", ["listener"]);

    private readonly Counter _credentialsReloadFailures =
        factory.CreateCounter("otlptap_credentials_reload_failures_total", "Times that a file of tokens or passwords could not be read again; the old ones stay in use.", ["listener"]);

    private readonly Counter _tlsReloadFailures =
        factory.CreateCounter("otlptap_tls_reload_failures_total", "Times that a certificate, key or CA could not be read again; the old ones stay in use.", ["listener"]);

    private readonly Gauge _certificateNotAfter =
        factory.CreateGauge("otlptap_tls_certificate_not_after_timestamp_seconds", "When the certificate in use expires, as a Unix time.", ["listener"]);

    public Of For(string listener) => new(this, listener);

    /// <summary>The instruments of one listener.</summary>
    internal sealed class Of(ListenerMetrics all, string listener)
    {
        private readonly Gauge.Child _connections = all._connections.WithLabels(listener);
        private readonly Counter.Child _connectionsRefused = all._connectionsRefused.WithLabels(listener);
        private readonly Counter.Child _unauthenticated = all._unauthenticated.WithLabels(listener);
        private readonly Counter.Child _misdirected = all._misdirected.WithLabels(listener);

        public void ConnectionOpened() => _connections.Inc();

        public void ConnectionClosed() => _connections.Dec();

        public void ConnectionRefused() => _connectionsRefused.Inc();

        public void ConnectionOfWrongProtocol() => all._wrongProtocol.WithLabels(listener).Inc();

        public void HandshakeFailed() => all._handshakeFailures.WithLabels(listener).Inc();

        public void RequestUnauthenticated() => _unauthenticated.Inc();

        public void RequestMisdirected() => _misdirected.Inc();

        public void CredentialsReloadFailed() => all._credentialsReloadFailures.WithLabels(listener).Inc();

        public void TlsReloadFailed() => all._tlsReloadFailures.WithLabels(listener).Inc();

        /// <summary>All series of TLS are there from the first certificate on, so that an alert on a failure has a zero to rise from.</summary>
        public void CertificateLoaded(DateTimeOffset notAfter)
        {
            _ = all._tlsReloadFailures.WithLabels(listener);
            _ = all._handshakeFailures.WithLabels(listener);
            all._certificateNotAfter.WithLabels(listener).Set(notAfter.ToUnixTimeSeconds());
        }

        public void CertificateGone() => all._certificateNotAfter.RemoveLabelled(listener);
    }
}
