using OtlpTap.Buffers;
using OtlpTap.Causes;
using OtlpTap.Forward;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Scan;
using OtlpTap.Tag;
using OtlpTap.Tee;
using OtlpTap.Validate;

namespace OtlpTap.Pipeline;

using Tee = OtlpTap.Tee.Tee;

/// <summary>
/// The story of one request of one signal: scan it, leave out what is invalid where that is asked for, tag what fails,
/// offer it to the tee without waiting, forward it, and give back the upstream's own answer. Without an upstream the
/// answer waits until the recorder has the bytes.
/// Further exporters are given the same bytes first, without waiting, and have no say in the answer.
/// </summary>
/// <param name="invalid">What to do about single invalid items; none where the upstream is to decide.</param>
/// <param name="causes">What tells causes from spans that repeat them; none where every match counts.</param>
/// <param name="tee">None where the pipeline does not name the tap processor: requests are then only checked and forwarded.</param>
/// <param name="primary">Whose answer is the sender's; none where no exporter is configured.</param>
/// <param name="others">Further exporters, whose <see cref="IExporter.ExportAsync"/> ends at once. Only with a primary.</param>
internal sealed class ExportPipeline(
    Signal signal,
    RequestScanner scanner,
    ScanResultPool scans,
    PayloadPool payloads,
    Tee? tee,
    IExporter? primary,
    IExporter[] others,
    ReceiveMetrics metrics,
    FailureMetrics failures,
    InvalidItems? invalid = null,
    CauseMarker? causes = null)
{
    private static readonly Task<ExportReply> Accepted = Task.FromResult(ExportReply.Accepted);

    /// <summary>Takes over the caller's reference to <paramref name="payload"/> and its in-flight credit.</summary>
    /// <param name="receivedTimestamp">Of the tap's <see cref="TimeProvider"/>.</param>
    /// <param name="cancellation">The agent went away or its deadline passed: it no longer waits for the answer.</param>
    public Task<ExportReply> ExportAsync(Payload payload, RequestMetadata metadata, long receivedTimestamp, CancellationToken cancellation) =>
        ExportAsync(payload, metadata, receivedTimestamp, cancellation, out _);

    /// <param name="items">Set by the time that this returns, before the answer is there: the payload itself is gone by then.</param>
    public Task<ExportReply> ExportAsync(
        Payload payload, RequestMetadata metadata, long receivedTimestamp, CancellationToken cancellation, out ReceivedItems items)
    {
        items = default;
        if (payload.Length == 0)
        {
            payload.Release();
            return Accepted;
        }

        var scan = scans.Rent();
        if (!scanner.TryScan(signal, payload.Span, scan, out var error))
        {
            var problem = FieldPath.Describe(signal, payload.Span, error);
            scans.Return(scan);
            payload.Release();
            metrics.RequestRefused(signal, Refusal.Malformed);
            return Task.FromResult(Refusals.Malformed(problem));
        }

        metrics.ItemsReceived(signal, scan.ItemCount);
        items = new ReceivedItems(scan.ItemCount, Rejected: 0);
        if (invalid?.Find(signal, payload.Span) is { } findings)
        {
            items = new ReceivedItems(scan.ItemCount, findings.Rejected);
            return ExportValidAsync(invalid, findings, payload, scan, metadata, receivedTimestamp, cancellation);
        }

        return ExportScannedAsync(payload, scan, metadata, receivedTimestamp, cancellation);
    }

    private Task<ExportReply> ExportScannedAsync(Payload payload, ScanResult scan, RequestMetadata metadata, long receivedTimestamp, CancellationToken cancellation)
    {
        payload.ItemCount = scan.ItemCount;
        var outgoing = payload;
        if ((scan.Matches.Length > 0 || scan.ErrorCount > 0) && causes is not null && !causes.TryMark(payload.Span, scan))
        {
            failures.CausesNotSought();
        }

        if (scan.Matches.Length > 0)
        {
            CountFailures(payload.Span, scan);
            outgoing = Tagged(payload, scan);
        }

        return primary is null
            ? RecordAsync(payload, outgoing, scan, receivedTimestamp, cancellation)
            : ForwardAsync(primary, payload, outgoing, scan, metadata, receivedTimestamp, cancellation);
    }

    /// <summary>What is left goes on as if the sender had sent no more, and the answer says what was left out.</summary>
    private Task<ExportReply> ExportValidAsync(
        InvalidItems items, Findings findings, Payload payload, ScanResult scan, RequestMetadata metadata, long receivedTimestamp, CancellationToken cancellation)
    {
        var received = scan.ItemCount;
        if (findings.AreTooMany)
        {
            return RefuseAll(payload, scan, $"request: more than {Findings.EditsMax} places in it are invalid");
        }

        var told = ProblemText.Describe(findings, payload.Span, received);
        if (received == findings.Rejected)
        {
            items.Count(findings);
            scans.Return(scan);
            payload.Release();
            return Task.FromResult(InvalidItems.Reply(told));
        }

        if (!RequestValidator.TryApply(findings, payload, payloads, out var valid))
        {
            return RefuseAll(payload, scan, "request: too large once its text is repaired");
        }

        if (!payload.TryMoveCreditTo(valid))
        {
            valid.Release();
            scans.Return(scan);
            payload.Release();
            return Task.FromResult(Refuse(Refusal.InFlightFull));
        }

        items.Count(findings);
        payload.Release();
        if (!scanner.TryScan(signal, valid.Span, scan, out var error))
        {
            throw new InvalidOperationException($"Taking invalid items out of a request broke it: {FieldPath.Describe(signal, valid.Span, error)}");
        }

        return InvalidItems.TellAsync(told, ExportScannedAsync(valid, scan, metadata, receivedTimestamp, cancellation));
    }

    private Task<ExportReply> RefuseAll(Payload payload, ScanResult scan, string problem)
    {
        scans.Return(scan);
        payload.Release();
        metrics.RequestRefused(signal, Refusal.Malformed);
        return Task.FromResult(Refusals.Malformed(problem));
    }

    private Task<ExportReply> ForwardAsync(
        IExporter upstream, Payload payload, Payload outgoing, ScanResult scan, RequestMetadata metadata, long receivedTimestamp, CancellationToken cancellation)
    {
        // The offers come first: once the payload is handed to the primary it may be gone.
        if (tee is null || !tee.TryOffer(signal, payload, scan, receivedTimestamp))
        {
            scans.Return(scan);
        }

        if (!ReferenceEquals(outgoing, payload))
        {
            payload.Release();
        }

        if (others.Length > 0)
        {
            OfferOthers(outgoing, metadata);
        }

        return upstream.ExportAsync(signal, outgoing, metadata, cancellation);
    }

    private void OfferOthers(Payload outgoing, RequestMetadata metadata)
    {
        foreach (var other in others)
        {
            outgoing.AddReference();
            outgoing.HoldCredit();

            // Its reply is nobody's, and there already: what became of the request is the exporter's to count.
            _ = other.ExportAsync(signal, outgoing, metadata, CancellationToken.None);
        }
    }

    /// <summary>No upstream: the recorder is where the data ends, so its word is the answer. Metrics, which it does not keep, are acknowledged and counted as such.</summary>
    private async Task<ExportReply> RecordAsync(Payload payload, Payload outgoing, ScanResult scan, long receivedTimestamp, CancellationToken cancellation)
    {
        if (!ReferenceEquals(outgoing, payload))
        {
            outgoing.Release();
        }

        try
        {
            if (tee is null || signal == Signal.Metrics)
            {
                var items = scan.ItemCount;
                scans.Return(scan);
                metrics.DiscardedWithoutUpstream(signal, items);
                return ExportReply.Accepted;
            }

            var recorded = new RecordedSignal();
            if (!tee.TryOffer(signal, payload, scan, receivedTimestamp, recorded))
            {
                scans.Return(scan);
                return Refuse(Refusal.RecorderBusy);
            }

            var isRecorded = await recorded.Completion.AsTask().WaitAsync(cancellation);
            return isRecorded ? ExportReply.Accepted : Refuse(Refusal.RecordingFailed);
        }
        finally
        {
            payload.Release();
        }
    }

    private ExportReply Refuse(Refusal refusal)
    {
        metrics.RequestRefused(signal, refusal);
        return Refusals.Reply(refusal);
    }

    private void CountFailures(ReadOnlySpan<byte> request, ScanResult scan)
    {
        if (scan.MatchesLeftOut > 0)
        {
            failures.SpansLeftOut(scan.MatchesLeftOut);
        }

        foreach (ref readonly var match in scan.Matches)
        {
            if (match.AlreadyTagged)
            {
                failures.SpanAlreadyTagged();
            }

            if (!match.Origin.IsZero)
            {
                failures.SpanPropagated();
                continue;
            }

            foreach (var rule in scan.RulesOf(in match))
            {
                failures.SpanFailed(rule, request.Slice(match.ServiceNameOffset, match.ServiceNameLength));
            }
        }
    }

    /// <summary>The tagged copy with the in-flight credit of the original, or the original where tagging is not asked for or cannot be done.</summary>
    private Payload Tagged(Payload payload, ScanResult scan)
    {
        if (!scan.NeedsTag)
        {
            return payload;
        }

        if (!Tagger.TryTag(payload, scan, payloads, out var tagged))
        {
            failures.TaggingFailed();
            return payload;
        }

        // Tags can be several times the spans: 65,536 of them are 6 MB on a request of 1.5.
        if (!payload.TryMoveCreditTo(tagged))
        {
            tagged.Release();
            failures.TaggingFailed();
            return payload;
        }

        tagged.ItemCount = payload.ItemCount;
        return tagged;
    }
}
