using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Benchmarks.Payloads;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>
/// Requests without an end, each with traces of its own: a few requests again and again, in which the ids of traces, conversations and answers are written anew.
/// Whether a trace fails can be seen from its id. For one sender that waits for each answer: the bytes are written over by a later request.
/// </summary>
internal sealed class TraceStream
{
    public const int TracesPerRequest = 6;
    public const int SpansPerRequest = TracesPerRequest * AgentTraces.SpansPerTrace;

    private const int Templates = 8;
    private const ulong HealthyId = 0x5EED_0000_0000_0000;
    private const ulong FailingId = 0xFA11_0000_0000_0000;
    private const ulong KindMask = 0xFFFF_0000_0000_0000;

    private readonly Template[] _healthy;
    private readonly Template[] _failing;
    private readonly uint _sender;
    private readonly double _failingRequests;
    private double _due;
    private ulong _requests;
    private ulong _traces;
    private uint _texts;

    /// <param name="sender">Of several streams each needs another number.</param>
    /// <param name="failingTraces">Share of the traces that fail.</param>
    public TraceStream(uint sender, double failingTraces)
    {
        _sender = sender;
        _failingRequests = failingTraces * TracesPerRequest;
        _healthy = [.. Enumerable.Range(1, Templates).Select(seed => Template.Of(AgentTraces.Request(SpansPerRequest, 0, seed)))];
        _failing = [.. Enumerable.Range(1, Templates).Select(seed => Template.Of(AgentTraces.Request(SpansPerRequest, 1, seed)))];
    }

    /// <summary>Whether an id is of a trace that failed.</summary>
    public static bool IsFailing(string traceId) => Convert.ToUInt64(traceId[..16], 16) is var high && (high & KindMask) == FailingId;

    /// <summary>The next request. Its bytes hold until the next one is asked for: making new ones would cost the senders' collector more than all else they do.</summary>
    /// <param name="failedTool">Which tool failed in its one failing trace; null where none fails.</param>
    public byte[] Next(out string? failedTool)
    {
        _due += _failingRequests;
        var fails = _due >= 1;
        _due -= fails ? 1 : 0;
        var template = (fails ? _failing : _healthy)[(int)(_requests++ % Templates)];
        failedTool = template.FailedTool;
        return template.With(place => (place == template.FailingTrace ? FailingId : HealthyId) | _sender, () => ++_traces, () => (_sender << 24) | (++_texts & 0xFFFFFF));
    }

    private sealed class Template
    {
        private readonly byte[] _bytes;
        private static readonly string[] TextIds = ["conv_", "chatcmpl-"];

        private readonly List<(int Offset, int Trace)> _places = [];
        private readonly List<int> _textPlaces = [];

        private Template(byte[] bytes) => _bytes = bytes;

        public string? FailedTool { get; private init; }

        /// <summary>Its number in the request; -1 where none fails.</summary>
        public int FailingTrace { get; private init; }

        public static Template Of(ExportTraceServiceRequest request)
        {
            var spans = request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans).ToList();
            var ids = spans.Select(span => span.TraceId).Distinct().ToList();
            var failed = spans.FirstOrDefault(span => span.Status is not null);
            var template = new Template(request.ToByteArray())
            {
                FailedTool = failed?.Attributes.First(attribute => attribute.Key == "gen_ai.tool.name").Value.StringValue,
                FailingTrace = failed is null ? -1 : ids.IndexOf(failed.TraceId),
            };
            foreach (var (id, trace) in ids.Select((id, trace) => (id, trace)))
            {
                for (var at = 0; template._bytes.AsSpan(at).IndexOf(id.Span) is >= 0 and var next; at += next + id.Length)
                {
                    template._places.Add((at + next, trace));
                }
            }

            foreach (var prefix in TextIds.Select(Encoding.ASCII.GetBytes))
            {
                for (var at = 0; template._bytes.AsSpan(at).IndexOf(prefix) is >= 0 and var next; at += next + prefix.Length)
                {
                    template._textPlaces.Add(at + next + prefix.Length);
                }
            }

            return template;
        }

        public byte[] With(Func<int, ulong> high, Func<ulong> low, Func<uint> text)
        {
            Span<ulong> lows = stackalloc ulong[TracesPerRequest];
            foreach (ref var one in lows)
            {
                one = low();
            }

            foreach (var (offset, trace) in _places)
            {
                BinaryPrimitives.WriteUInt64BigEndian(_bytes.AsSpan(offset), high(trace));
                BinaryPrimitives.WriteUInt64BigEndian(_bytes.AsSpan(offset + sizeof(ulong)), lows[trace]);
            }

            foreach (var offset in _textPlaces)
            {
                text().TryFormat(_bytes.AsSpan(offset, 8), out _, "x8", CultureInfo.InvariantCulture);
            }

            return _bytes;
        }
    }
}
