namespace OtlpTap.Configuration;

/// <summary>The bound of what is in flight: <c>limits.in_flight_mib</c> of the tap, and what <c>memory_limiter</c>s say.</summary>
internal static class InFlightCheck
{
    private const string Limit = "in_flight_mib";

    /// <summary>The options with the smallest of the bounds, into which the largest message must fit.</summary>
    public static TapProcessorOptions Bound(
        TapProcessorOptions tap,
        Section? tapSection,
        IReadOnlyList<(string Id, Section Section, ProcessorOptions Options)> processors,
        IReadOnlyList<(string Id, Section Section, ReceiverOptions Options)> receivers)
    {
        var limits = tapSection?.Map("limits");
        var isWritten = limits?.Value(Limit) is not null;
        var (name, at, key) = isWritten ? ("`limits.in_flight_mib` of the tap processor", limits, Limit) : ("`limits.in_flight_mib` of the tap processor", null, "");
        var bound = isWritten ? tap.InFlightBytesMax : (long?)null;
        foreach (var (id, section, options) in processors)
        {
            if (options is not MemoryLimiterProcessor limiter)
            {
                continue;
            }

            if (isWritten && limiter.InFlightBytesMax != tap.InFlightBytesMax)
            {
                section.Problems.Warning(section.Mark, section.Path, $"bounds requests in flight at {Mib(limiter.InFlightBytesMax)}, and `limits.in_flight_mib` of the tap processor at {Mib(tap.InFlightBytesMax)}: the smaller holds");
            }

            WarnOfMemoryBeside(section, limiter, tap);
            if (bound is null || limiter.InFlightBytesMax < bound)
            {
                (bound, name, at, key) = (limiter.InFlightBytesMax, $"the soft limit of `{id}`", section, section.Has("limit_mib") ? "limit_mib" : "limit_percentage");
            }
        }

        tap = tap with { InFlightBytesMax = bound ?? tap.InFlightBytesMax };
        foreach (var (messageBytes, protocol, messageKey) in Messages(receivers).Where(message => message.Bytes > tap.InFlightBytesMax))
        {
            // At the number that the operator wrote; it may be either.
            (at ?? protocol).Error(at is null ? messageKey : key, $"a message of `{messageKey}`, {Mib(messageBytes)}, must fit into {name}, {Mib(tap.InFlightBytesMax)}");
            if (at is not null)
            {
                break;
            }
        }

        return tap;
    }

    private static IEnumerable<(long Bytes, Section Protocol, string Key)> Messages(IReadOnlyList<(string Id, Section Section, ReceiverOptions Options)> receivers)
    {
        foreach (var (_, section, receiver) in receivers)
        {
            var protocols = section.Map("protocols");
            if (receiver.Grpc is { } grpc)
            {
                yield return (grpc.MaxReceiveMessageBytes, protocols.Map("grpc"), "max_recv_msg_size_mib");
            }

            if (receiver.Http is { } http)
            {
                yield return (http.MaxRequestBodyBytes, protocols.Map("http"), "max_request_body_size");
            }
        }
    }

    // The Collector's limit is for the whole process. Here it is for what senders can make grow; the rest has bounds of its own.
    private static void WarnOfMemoryBeside(Section section, MemoryLimiterProcessor limiter, TapProcessorOptions tap)
    {
        var recorder = tap.IsTeed && tap.RecorderDirectory.Length == 0 ? tap.RecorderBytesMax : 0;
        var tee = tap.IsTeed ? tap.TeeBytesMax : 0;
        if (limiter.InFlightBytesMax + recorder + tee > limiter.LimitBytes)
        {
            section.Problems.Warning(
                section.Mark,
                section.Path,
                $"bounds requests in flight, here at {Mib(limiter.InFlightBytesMax)}; `recorder.max_size_mib` ({Mib(recorder)}) and `tee.max_size_mib` ({Mib(tee)}) of the tap processor are beside it, together more than its {Mib(limiter.LimitBytes)}");
        }
    }

    private static string Mib(long bytes) => $"{bytes >> 20} MiB";
}
