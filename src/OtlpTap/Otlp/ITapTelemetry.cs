namespace OtlpTap.Otlp;

/// <summary>
/// Takes telemetry of the tap's own making for the backend, behind the tap: it never comes back into it. Any thread; does not
/// wait; what does not fit is dropped and counted.
/// </summary>
internal interface ITapTelemetry
{
    /// <param name="request">A serialized export request of the signal, with one item.</param>
    void Offer(Signal signal, byte[] request);
}
