using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Corpus;

/// <summary>What a case says about its trace, read from the assembled request.</summary>
internal sealed class TraceSummary
{
    // The trace has them whole; a case that repeats a name of megabytes for each verdict would be larger than its trace.
    private const int NameBytesMax = 512;

    private readonly Dictionary<SpanId, SpanEntry> _spans = [];
    private readonly byte[] _request;
    private readonly List<string> _services = [];
    private readonly Dictionary<string, int> _serviceNumbers = [];

    private TraceSummary(byte[] request) => _request = request;

    public int SpanCount { get; private set; }

    /// <summary>Nanoseconds since 1970 by the senders' clocks; 0 without spans.</summary>
    public ulong FirstStart { get; private set; }

    public ulong LastEnd { get; private set; }

    /// <summary>Whether some span names a parent that is not in the trace.</summary>
    public bool IsParentMissing { get; private set; }

    /// <param name="request">A serialized <c>ExportTraceServiceRequest</c>, well-formed: <see cref="TraceAssembler"/> made it.</param>
    public static TraceSummary Read(byte[] request)
    {
        var summary = new TraceSummary(request);
        var reader = new ProtoReader(request);
        while (reader.Next())
        {
            if (reader is { FieldNumber: OtlpFields.TraceRequest.ResourceSpans, WireType: WireType.LengthDelimited })
            {
                summary.ReadResourceSpans(reader.ValueOffset, reader.ValueEnd);
            }
        }

        foreach (var span in summary._spans.Values)
        {
            summary.IsParentMissing |= !span.Parent.IsZero && !summary._spans.ContainsKey(span.Parent);
        }

        return summary;
    }

    public bool Contains(SpanId span) => _spans.ContainsKey(span);

    /// <summary>Null when the span is not in the trace.</summary>
    public string? NameOf(SpanId span) =>
        _spans.TryGetValue(span, out var entry) ? Text(_request.AsSpan(entry.NameOffset, entry.NameLength)) : null;

    /// <summary>The <c>service.name</c> of the span's resource; of the trace's first one when the span is not there; null without any.</summary>
    public string? ServiceOf(SpanId span)
    {
        var service = _spans.TryGetValue(span, out var entry) ? entry.Service : -1;
        return service >= 0 ? _services[service] : _services.FirstOrDefault();
    }

    private void ReadResourceSpans(int start, int end)
    {
        // The resource may stand behind the spans: it is read first.
        var service = -1;
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader is { FieldNumber: OtlpFields.ResourceSpans.Resource, WireType: WireType.LengthDelimited }
                && ReadServiceName(reader.ValueOffset, reader.ValueEnd) is { } name)
            {
                if (!_serviceNumbers.TryGetValue(name, out service))
                {
                    service = _services.Count;
                    _serviceNumbers.Add(name, service);
                    _services.Add(name);
                }
            }
        }

        reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader is { FieldNumber: OtlpFields.ResourceSpans.ScopeSpans, WireType: WireType.LengthDelimited })
            {
                ReadScopeSpans(reader.ValueOffset, reader.ValueEnd, service);
            }
        }
    }

    private string? ReadServiceName(int start, int end)
    {
        var resource = new ProtoReader(_request, start, end);
        while (resource.Next())
        {
            if (resource is { FieldNumber: OtlpFields.Resource.Attributes, WireType: WireType.LengthDelimited }
                && KeyAndValue.Read(resource.Value) is var attribute && attribute.Key.SequenceEqual("service.name"u8) && attribute.TryGetText(out var name))
            {
                return Text(name);
            }
        }

        return null;
    }

    private static string Text(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length <= NameBytesMax)
        {
            return Encoding.UTF8.GetString(utf8);
        }

        var end = NameBytesMax;
        while (end > NameBytesMax - 3 && (utf8[end] & 0xc0) == 0x80)
        {
            end--; // not in the middle of a character
        }

        return Encoding.UTF8.GetString(utf8[..end]) + "\u2026";
    }

    private void ReadScopeSpans(int start, int end, int service)
    {
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader is { FieldNumber: OtlpFields.ScopeSpans.Spans, WireType: WireType.LengthDelimited })
            {
                ReadSpan(reader.ValueOffset, reader.ValueEnd, service);
            }
        }
    }

    private void ReadSpan(int start, int end, int service)
    {
        var head = default(SpanHead);
        var entry = new SpanEntry { Service = service };
        var span = new ProtoReader(_request, start, end);
        while (span.Next())
        {
            if (!head.TryTake(span.Tag, span.Value) && span is { FieldNumber: OtlpFields.Span.Name, WireType: WireType.LengthDelimited })
            {
                entry.NameOffset = span.ValueOffset;
                entry.NameLength = span.ValueLength;
            }
        }

        SpanCount++;
        entry.Parent = head.ParentId;
        _spans[head.SpanId] = entry;
        if (head.StartUnixNano != 0 && (FirstStart == 0 || head.StartUnixNano < FirstStart))
        {
            FirstStart = head.StartUnixNano;
        }

        LastEnd = Math.Max(LastEnd, head.EndUnixNano);
    }

    private struct SpanEntry
    {
        public SpanId Parent;
        public int NameOffset;
        public int NameLength;
        public int Service;
    }
}
