using System.Text;
using OtlpTap.Health.Spans;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;
using OtlpTap.Wire;

namespace OtlpTap.Hosting;

/// <summary>
/// What the recorder knows of a span that was judged by its id alone. Each look reads the span's trace, and senders choose
/// how many results speak of how large a trace: so many bytes are read in a second, and beyond them the span stays unknown.
/// Any thread; one looks at a time.
/// </summary>
internal sealed class JudgedSpanSearch(Recorder.Recorder recorder, TimeProvider time)
{
    /// <summary>Some 5 % of a core.</summary>
    public const long BytesASecond = 64L << 20;

    // The search for the trace itself.
    private const long LookBytes = 16 << 10;

    private readonly Lock _gate = new();
    private readonly SpanFrame _frame = new();
    private readonly KnownNames _names = new();
    private long _since = time.GetTimestamp();
    private long _left = BytesASecond;

    /// <param name="spanId">Zero: the trace's root.</param>
    /// <returns>Null: the span is not in the recorder, or enough was read in this second.</returns>
    public JudgedSpan? Find(TraceId traceId, SpanId spanId)
    {
        lock (_gate)
        {
            if (time.GetElapsedTime(_since) >= TimeSpan.FromSeconds(1))
            {
                (_since, _left) = (time.GetTimestamp(), BytesASecond);
            }

            if (_left <= 0)
            {
                return null;
            }

            var search = new Search(traceId, spanId, _frame, _names) { Left = _left - LookBytes };
            recorder.Visit(traceId, search, static (in fragment, search) =>
            {
                if (fragment.Signal == Signal.Traces && search is { Found: null, Left: > 0 })
                {
                    search.Left -= fragment.Request.Length;
                    search.Look(fragment.Request);
                }
            });
            _left = search.Left;
            return search.Found;
        }
    }

    private sealed class Search(TraceId traceId, SpanId spanId, SpanFrame frame, KnownNames names)
    {
        public JudgedSpan? Found { get; private set; }

        /// <summary>Bytes that may still be read.</summary>
        public long Left { get; set; }

        public void Look(ReadOnlySpan<byte> request)
        {
            var resources = new ProtoReader(request);
            while (Found is null && resources.Next())
            {
                if (resources.WireType == WireType.LengthDelimited)
                {
                    LookInResource(resources.Value);
                }
            }
        }

        // ResourceSpans: the resource may stand behind its spans.
        private void LookInResource(ReadOnlySpan<byte> resourceSpans)
        {
            var service = "";
            var fields = new ProtoReader(resourceSpans);
            while (fields.Next())
            {
                if (fields.WireType != WireType.LengthDelimited)
                {
                    continue;
                }

                if (fields.FieldNumber == OtlpFields.ResourceSpans.Resource)
                {
                    service = ServiceOf(fields.Value) ?? service;
                }
                else if (fields.FieldNumber == OtlpFields.ResourceSpans.ScopeSpans && Found is null)
                {
                    LookInScope(fields.Value);
                }
            }

            Found = Found is null ? null : Found with { Service = service };
        }

        private void LookInScope(ReadOnlySpan<byte> scopeSpans)
        {
            var spans = new ProtoReader(scopeSpans);
            while (Found is null && spans.Next())
            {
                if (spans.FieldNumber == OtlpFields.ScopeSpans.Spans && spans.WireType == WireType.LengthDelimited)
                {
                    Found = Read(spans.Value);
                }
            }
        }

        private JudgedSpan? Read(ReadOnlySpan<byte> span)
        {
            var (trace, id, isRoot, end) = (default(TraceId), default(SpanId), true, 0UL);
            ReadOnlySpan<byte> name = default;
            frame.Clear();
            var reader = new ProtoReader(span);
            while (reader.Next())
            {
                switch ((reader.FieldNumber, reader.WireType))
                {
                    case (OtlpFields.Span.TraceId, WireType.LengthDelimited):
                        TraceId.TryRead(reader.Value, out trace);
                        break;
                    case (OtlpFields.Span.SpanId, WireType.LengthDelimited):
                        SpanId.TryRead(reader.Value, out id);
                        break;
                    case (OtlpFields.Span.ParentSpanId, WireType.LengthDelimited):
                        isRoot = reader.Value.IsEmpty;
                        break;
                    case (OtlpFields.Span.EndTimeUnixNano, WireType.Fixed64):
                        end = reader.Fixed64;
                        break;
                    case (OtlpFields.Span.Name, WireType.LengthDelimited):
                        name = reader.Value;
                        break;
                    case (OtlpFields.Span.Attributes, WireType.LengthDelimited):
                        frame.Add(span, reader.ValueOffset, reader.ValueEnd);
                        break;
                }
            }

            if (trace != traceId || (spanId.IsZero ? !isRoot : id != spanId))
            {
                return null;
            }

            var meaning = new SpanMeaning(span, frame, names, name, scope: "");
            var kind = meaning.Kind().Kind;
            return new JudgedSpan(id, "", end, null)
            {
                Agent = meaning.Agent(kind),
                Tool = kind == StepKind.Tool && !spanId.IsZero ? NullIfEmpty(meaning.Tool()) : null,
                Model = kind == StepKind.Llm && !spanId.IsZero ? NullIfEmpty(meaning.Model()) : null,
            };
        }

        private static string? NullIfEmpty(string name) => name.Length > 0 ? name : null;

        private static string? ServiceOf(ReadOnlySpan<byte> resource)
        {
            var attributes = new ProtoReader(resource);
            while (attributes.Next())
            {
                if (attributes.FieldNumber == OtlpFields.Resource.Attributes && attributes.WireType == WireType.LengthDelimited && TextOf(attributes.Value, "service.name"u8) is { } service)
                {
                    return service;
                }
            }

            return null;
        }

        private static string? TextOf(ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> name)
        {
            var isNamed = false;
            string? text = null;
            var fields = new ProtoReader(attribute);
            while (fields.Next())
            {
                if (fields.WireType != WireType.LengthDelimited)
                {
                    continue;
                }

                if (fields.FieldNumber == OtlpFields.KeyValue.Key)
                {
                    isNamed = fields.Value.SequenceEqual(name);
                }
                else if (fields.FieldNumber == OtlpFields.KeyValue.Value && isNamed)
                {
                    var value = new ProtoReader(fields.Value);
                    text = value.Next() && value.FieldNumber == OtlpFields.AnyValue.StringValue && value.WireType == WireType.LengthDelimited ? Encoding.UTF8.GetString(value.Value) : null;
                }
            }

            return text;
        }
    }
}
