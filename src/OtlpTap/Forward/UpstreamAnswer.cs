using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>How an upstream call ended, by phase and culprit.</summary>
internal enum UpstreamOutcome : byte
{
    /// <summary>The upstream answered with a gRPC status of its own, good or bad.</summary>
    Answered,

    /// <summary>An HTTP answer without <c>grpc-status</c>: something in between, or no gRPC server at all.</summary>
    NotGrpc,

    /// <summary>An answer that may not be passed on: compressed though never asked for, cut short, larger than the limit.</summary>
    Malformed,

    /// <summary>No connection could be made (name, route, refusal, TLS, no HTTP/2). The request did not leave.</summary>
    ConnectFailed,

    /// <summary>The connection or the stream broke; the request may or may not have been taken.</summary>
    ConnectionLost,

    /// <summary>No answer within the call's timeout; the request may or may not have been taken. Said by the caller of a transport, never by one.</summary>
    TimedOut,

    /// <summary>Not tried: the upstream was unreachable a moment ago, there is no memory to encode it, or the tap is stopping. Never said by what has the connection.</summary>
    NotSent,

    /// <summary>Not tried: the message has no form that the upstream takes.</summary>
    NotWritable,
}

/// <summary>What a call brought: the reply to give to the agent, and how it came about.</summary>
internal readonly record struct UpstreamAnswer(UpstreamOutcome Outcome, ExportReply Reply)
{
    /// <summary>Full success without anything to pass on; costs no allocation.</summary>
    public static UpstreamAnswer Accepted => new(UpstreamOutcome.Answered, ExportReply.Accepted);

    public bool IsReachable => Outcome is UpstreamOutcome.Answered or UpstreamOutcome.Malformed;
}
