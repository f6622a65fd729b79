using System.Buffers.Binary;
using System.Diagnostics;
using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Recorder;

/// <summary>
/// Picks one trace out of many requests and makes one request of it: its spans (or log records) under their resources
/// and scopes, each once. Works on the bytes, so nothing is lost that it does not know:
/// <code>
///   Export*ServiceRequest   1: resource_spans | resource_logs       repeated
///     Resource*             2: scope_spans | scope_logs             repeated; all other fields are kept as they are
///       Scope*              2: spans | log_records                  repeated; all other fields are kept as they are
///         Span              1: trace_id        LogRecord  9: trace_id
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto (1.9), trace.proto, logs.proto.
/// <para>
/// Two spans are the same when all their bytes are, as after a client's retry. Spans that share an id and differ in
/// anything are both kept: which one is right is for the reader to say.
/// </para>
/// </summary>
internal sealed class TraceAssembler
{
    // Numbers of the nested fields, the same for both signals.
    private const int ResourceField = OtlpFields.TraceRequest.ResourceSpans;
    private const int ScopeField = OtlpFields.ResourceSpans.ScopeSpans;
    private const int ItemField = OtlpFields.ScopeSpans.Spans;

    private readonly int _traceIdField;
    private readonly byte[] _idBytes = new byte[TraceId.Length];
    private TraceId? _traceId;

    // Where the id's bytes stand next in the request under way.
    private int _idAt;

    // Pieces with equal bytes but different meanings must not meet: the first byte of a piece says what it is.
    private readonly ByteArena _arena = new();
    private readonly List<Group> _resources = [];
    private readonly List<Group> _scopes = [];

    /// <param name="traceId">Null keeps all items, of whatever trace.</param>
    public TraceAssembler(Signal signal, TraceId? traceId, int bytesMax)
    {
        Debug.Assert(signal is Signal.Traces or Signal.Logs, "Metrics carry no trace ids.");
        _traceIdField = signal == Signal.Traces ? OtlpFields.Span.TraceId : OtlpFields.LogRecord.TraceId;
        BytesMax = bytesMax;
        Begin(traceId);
    }

    /// <summary>Items beyond it are left out and <see cref="IsTooLarge"/> is set.</summary>
    public int BytesMax { get; set; }

    /// <summary>Spans or log records taken.</summary>
    public int ItemCount { get; private set; }

    public bool IsTooLarge { get; private set; }

    /// <summary>Starts over, with the memory that it has.</summary>
    public void Begin(TraceId? traceId)
    {
        _traceId = traceId;
        traceId?.WriteTo(_idBytes);
        _arena.Clear();
        _resources.Clear();
        _scopes.Clear();
        ItemCount = 0;
        IsTooLarge = false;
    }

    /// <summary>Adds what is new in <paramref name="request"/>. False when its bytes are malformed; what came before the error is added.</summary>
    public bool TryAdd(ReadOnlySpan<byte> request)
    {
        _idAt = -1;
        var reader = new ProtoReader(request);
        while (reader.Next())
        {
            if (reader is { FieldNumber: ResourceField, WireType: WireType.LengthDelimited } && !TryAddResource(request, reader.ValueOffset, reader.ValueEnd))
            {
                return false;
            }
        }

        return !reader.IsMalformed;
    }

    /// <summary>The serialized <c>Export*ServiceRequest</c> of what was added.</summary>
    public byte[] Build()
    {
        var itemTag = ProtoWriter.TagOf(ItemField, WireType.LengthDelimited);
        var scopeTag = ProtoWriter.TagOf(ScopeField, WireType.LengthDelimited);
        var resourceTag = ProtoWriter.TagOf(ResourceField, WireType.LengthDelimited);

        var length = 0;
        foreach (var resource in _resources)
        {
            resource.MessageLength = resource.Header.Length;
            foreach (var scopeNumber in resource.Members)
            {
                var scope = _scopes[scopeNumber];
                scope.MessageLength = scope.Header.Length + scope.Items.Sum(item => ProtoWriter.LengthDelimitedLength(itemTag, item.Length));
                resource.MessageLength += ProtoWriter.LengthDelimitedLength(scopeTag, scope.MessageLength);
            }

            length += ProtoWriter.LengthDelimitedLength(resourceTag, resource.MessageLength);
        }

        var request = new byte[length];
        var rest = request.AsSpan();
        foreach (var resource in _resources)
        {
            rest = rest[ProtoWriter.WriteLengthPrefix(rest, resourceTag, resource.MessageLength)..];
            rest = WriteBytes(rest, _arena[resource.Header]);
            foreach (var scopeNumber in resource.Members)
            {
                var scope = _scopes[scopeNumber];
                rest = rest[ProtoWriter.WriteLengthPrefix(rest, scopeTag, scope.MessageLength)..];
                rest = WriteBytes(rest, _arena[scope.Header]);
                foreach (var item in scope.Items)
                {
                    rest = rest[ProtoWriter.WriteLengthDelimited(rest, itemTag, _arena[item])..];
                }
            }
        }

        Debug.Assert(rest.IsEmpty, "What was measured was written.");
        return request;
    }

    private static Span<byte> WriteBytes(Span<byte> destination, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(destination);
        return destination[bytes.Length..];
    }

    private bool TryAddResource(ReadOnlySpan<byte> request, int start, int end)
    {
        var resource = -1;
        var reader = new ProtoReader(request, start, end);
        while (reader.Next())
        {
            if (reader is { FieldNumber: ScopeField, WireType: WireType.LengthDelimited }
                && !TryAddScope(request, start, end, ref resource, reader.ValueOffset, reader.ValueEnd))
            {
                return false;
            }
        }

        return !reader.IsMalformed;
    }

    private bool TryAddScope(ReadOnlySpan<byte> request, int resourceStart, int resourceEnd, ref int resource, int start, int end)
    {
        var scope = -1;
        var reader = new ProtoReader(request, start, end);
        while (reader.Next())
        {
            if (reader is not { FieldNumber: ItemField, WireType: WireType.LengthDelimited } || !CanHoldId(request, reader.ValueOffset, reader.ValueEnd))
            {
                continue;
            }

            if (!TryReadTraceId(request, reader.ValueOffset, reader.ValueEnd, out var traceId))
            {
                return false;
            }

            if (_traceId is not null && traceId != _traceId)
            {
                continue;
            }

            if (_arena.Length > BytesMax)
            {
                IsTooLarge = true;
                return true;
            }

            // The groups are looked up once an item of the trace is found: most of a request is other traces.
            if (scope < 0)
            {
                resource = resource < 0 ? FindResource(request, resourceStart, resourceEnd) : resource;
                scope = FindScope(request, start, end, resource);
            }

            AddItem(_scopes[scope], reader.Value);
        }

        return !reader.IsMalformed;
    }

    /// <summary>Most of a request is other traces: searching all of it for an id's bytes once costs less than reading the id of each of its items.</summary>
    private bool CanHoldId(ReadOnlySpan<byte> request, int start, int end)
    {
        if (_traceId is null)
        {
            return true;
        }

        if (_idAt < start)
        {
            var at = request[start..].IndexOf(_idBytes);
            _idAt = at < 0 ? int.MaxValue : start + at;
        }

        return _idAt < end;
    }

    private bool TryReadTraceId(ReadOnlySpan<byte> request, int start, int end, out TraceId traceId)
    {
        traceId = default;
        var reader = new ProtoReader(request, start, end);
        while (reader.Next())
        {
            if (reader.FieldNumber == _traceIdField && reader.WireType == WireType.LengthDelimited)
            {
                TraceId.TryRead(reader.Value, out traceId); // of a wrong length: none
            }
        }

        return !reader.IsMalformed;
    }

    private int FindResource(ReadOnlySpan<byte> request, int start, int end)
    {
        _arena.Begin();
        _arena.Append([(byte)Piece.Resource]);
        AppendOtherFields(request, start, end, ScopeField);
        if (_arena.TryEnd(_resources.Count, out var piece, out var number))
        {
            _resources.Add(new Group(new ArenaRange(piece.Offset + 1, piece.Length - 1)));
        }

        return number;
    }

    private int FindScope(ReadOnlySpan<byte> request, int start, int end, int resource)
    {
        const int PrefixLength = 1 + sizeof(int);
        Span<byte> prefix = stackalloc byte[PrefixLength];
        prefix[0] = (byte)Piece.Scope;
        BinaryPrimitives.WriteInt32LittleEndian(prefix[1..], resource);

        _arena.Begin();
        _arena.Append(prefix);
        AppendOtherFields(request, start, end, ItemField);
        if (_arena.TryEnd(_scopes.Count, out var piece, out var number))
        {
            _scopes.Add(new Group(new ArenaRange(piece.Offset + PrefixLength, piece.Length - PrefixLength)));
            _resources[resource].Members.Add(number);
        }

        return number;
    }

    private void AddItem(Group scope, ReadOnlySpan<byte> item)
    {
        _arena.Begin();
        _arena.Append([(byte)Piece.Item]);
        _arena.Append(item);
        if (_arena.Length > BytesMax)
        {
            _arena.Abandon();
            IsTooLarge = true;
        }
        else if (_arena.TryEnd(ItemCount, out var piece, out _))
        {
            scope.Items.Add(new ArenaRange(piece.Offset + 1, piece.Length - 1));
            ItemCount++;
        }
    }

    private void AppendOtherFields(ReadOnlySpan<byte> request, int start, int end, int without)
    {
        var reader = new ProtoReader(request, start, end);
        while (reader.Next())
        {
            if (reader.FieldNumber != without)
            {
                _arena.Append(request[reader.FieldOffset..reader.ValueEnd]);
            }
        }
    }

    private enum Piece : byte
    {
        Resource,
        Scope,
        Item,
    }

    /// <summary>A resource with the numbers of its scopes, or a scope with its items.</summary>
    private sealed class Group(ArenaRange header)
    {
        public ArenaRange Header { get; } = header;

        public List<int> Members { get; } = [];

        public List<ArenaRange> Items { get; } = [];

        public int MessageLength { get; set; }
    }
}
