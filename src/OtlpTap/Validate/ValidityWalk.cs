using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Validate;

/// <summary>
/// The walk over one request, the same for all signals down to the items:
/// <code>
///   request     resources = 1 *
///   resources   resource = 1, scopes = 2 *, schema_url = 3
///   scopes      scope = 1, items = 2 *, schema_url = 3
/// </code>
/// Each message that can be left out alone (resources, scopes, an item, a data point) is a unit: its own fields first,
/// then the units in it. What a failed unit had noted for repair is forgotten, since it goes as a whole; a unit whose
/// every inner one went, goes too, as empty envelopes carry nothing ("Empty Telemetry Envelopes" of the specification).
/// </summary>
internal ref partial struct ValidityWalk
{
    /// <summary>Levels of messages within the request. Google's parsers stop at 100 unless told otherwise.</summary>
    public const int DepthMax = 100;

    private const int ItemDepth = 3;
    private const uint Message = (uint)WireType.LengthDelimited;
    private const uint Resources = ((uint)OtlpFields.TraceRequest.ResourceSpans << 3) | Message;
    private const uint Scopes = ((uint)OtlpFields.ResourceSpans.ScopeSpans << 3) | Message;
    private const uint Items = ((uint)OtlpFields.ScopeSpans.Spans << 3) | Message;

    private readonly Signal _signal;
    private readonly ReadOnlySpan<byte> _request;
    private readonly bool _mends;
    private readonly OtlpJsonMessage _resourcesShape;
    private readonly OtlpJsonMessage _scopesShape;
    private readonly OtlpJsonMessage _itemShape;

    private Findings? _findings;
    private Problem _problem;

    /// <param name="mends">Whether what can be mended is; if not, every problem costs the item.</param>
    public ValidityWalk(Signal signal, ReadOnlySpan<byte> request, bool mends)
    {
        _signal = signal;
        _request = request;
        _mends = mends;
        _resourcesShape = ChildOf(OtlpJsonSchema.RequestOf(signal), OtlpFields.TraceRequest.ResourceSpans);
        _scopesShape = ChildOf(_resourcesShape, OtlpFields.ResourceSpans.ScopeSpans);
        _itemShape = ChildOf(_scopesShape, OtlpFields.ScopeSpans.Spans);
    }

    public Findings? Run()
    {
        var reader = new ProtoReader(_request);
        while (reader.Next())
        {
            if (reader.Tag == Resources)
            {
                CheckResources(new Field(reader, parent: 0));
            }
        }

        _findings?.Complete();
        return _findings;
    }

    private void CheckResources(Field resources)
    {
        var mark = Mark();
        if (!CheckOwnFields(_resourcesShape, resources, Scopes, depth: 1))
        {
            Reject(resources, mark, CountInResources(resources));
            return;
        }

        var (kept, gone) = (0, 0);
        var reader = Open(resources);
        while (reader.Next())
        {
            if (reader.Tag == Scopes)
            {
                if (CheckScopes(new Field(reader, resources.ValueOffset)))
                {
                    kept++;
                }
                else
                {
                    gone++;
                }
            }
        }

        if (kept == 0 && gone > 0)
        {
            LeaveOut(resources, mark);
        }
    }

    /// <summary>False where it is left out.</summary>
    private bool CheckScopes(Field scopes)
    {
        var mark = Mark();
        if (!CheckOwnFields(_scopesShape, scopes, Items, depth: 2))
        {
            Reject(scopes, mark, CountInScopes(scopes));
            return false;
        }

        var (kept, gone) = (0, 0);
        var reader = Open(scopes);
        while (reader.Next())
        {
            if (reader.Tag == Items)
            {
                if (CheckItem(new Field(reader, scopes.ValueOffset)))
                {
                    kept++;
                }
                else
                {
                    gone++;
                }
            }
        }

        if (kept > 0 || gone == 0)
        {
            return true;
        }

        LeaveOut(scopes, mark);
        return false;
    }

    /// <summary>False where it is left out.</summary>
    private bool CheckItem(Field item)
    {
        if (_signal == Signal.Metrics)
        {
            return CheckMetric(item);
        }

        var mark = Mark();
        if (_signal == Signal.Traces ? CheckSpan(item) : CheckLogRecord(item))
        {
            return true;
        }

        Reject(item, mark, items: 1);
        return false;
    }

    /// <summary>All but the units in it.</summary>
    private bool CheckOwnFields(OtlpJsonMessage shape, Field message, uint units, int depth)
    {
        var reader = Open(message);
        while (reader.Next())
        {
            if (reader.Tag != units && !CheckField(shape, new Field(reader, message.ValueOffset), depth))
            {
                return false;
            }
        }

        return !reader.IsMalformed || Fail(InvalidReason.Malformed, message.Offset);
    }

    /// <summary>One field of any message, and all below it.</summary>
    private bool CheckField(OtlpJsonMessage shape, Field field, int depth)
    {
        var index = (field.Tag & 7) == Message ? shape.IndexOf((int)(field.Tag >> 3)) : -1;
        if (index < 0)
        {
            return true;
        }

        var known = shape.Fields[index];
        return known.Type switch
        {
            OtlpJsonType.String => System.Text.Unicode.Utf8.IsValid(Value(field)) || MendText(field),
            OtlpJsonType.Message => CheckMessage(known.Child, field, depth + 1),
            _ => !known.IsPackable || CheckPacked(known, field),
        };
    }

    private bool CheckMessage(OtlpJsonMessage shape, Field message, int depth)
    {
        if (depth > DepthMax)
        {
            return Fail(InvalidReason.TooDeep, message.Offset);
        }

        var reader = Open(message);
        while (reader.Next())
        {
            if (!CheckField(shape, new Field(reader, message.ValueOffset), depth))
            {
                return false;
            }
        }

        return !reader.IsMalformed || Fail(InvalidReason.Malformed, message.Offset);
    }

    private bool CheckPacked(OtlpJsonField known, Field field)
    {
        if (known.WireType == WireType.Fixed64)
        {
            return field.Length % sizeof(ulong) == 0 || Fail(InvalidReason.Malformed, field.Offset);
        }

        var numbers = _request[..field.End];
        var offset = field.ValueOffset;
        while (offset < field.End)
        {
            if (!ProtoReader.TryReadVarint(numbers, ref offset, out _))
            {
                return Fail(InvalidReason.Malformed, field.Offset);
            }
        }

        return true;
    }

    /// <summary>An id that may be absent: true where it is, or of its length, or taken out.</summary>
    private bool CheckOptionalId(Field id, int length, Field message, InvalidReason reason)
    {
        if (id.Length == 0 || id.Length == length)
        {
            return true;
        }

        if (!_mends)
        {
            return Fail(reason, id.Offset);
        }

        // Each time that it comes: the one before would count otherwise.
        var reader = Open(message);
        while (reader.Next())
        {
            if (reader.Tag == id.Tag)
            {
                Repair(new Edit(reader.FieldOffset, reader.ValueEnd, EditKind.Cut, (ulong)message.ValueOffset, reason, IsRepair: true));
            }
        }

        return true;
    }

    private bool MendText(Field text)
    {
        if (!_mends)
        {
            return Fail(InvalidReason.Text, text.Offset);
        }

        Repair(new Edit(text.Offset, text.End, EditKind.MendText, 0, InvalidReason.Text, IsRepair: true));
        return true;
    }

    private bool Fail(InvalidReason reason, int offset)
    {
        _problem = new Problem(reason, offset);
        return false;
    }

    private void Repair(in Edit edit) => (_findings ??= new Findings(_signal)).Add(in edit);

    /// <summary>The unit goes, with so many items, for the problem that was found last.</summary>
    private void Reject(Field unit, int mark, int items)
    {
        LeaveOut(unit, mark);
        _findings!.Reject(in _problem, items);
    }

    private void LeaveOut(Field unit, int mark)
    {
        _findings ??= new Findings(_signal);
        _findings.ReturnTo(mark);
        _findings.Add(new Edit(unit.Offset, unit.End, EditKind.Cut, (ulong)unit.Parent, _problem.Reason, IsRepair: false));
    }

    private readonly int Mark() => _findings?.EditCount ?? 0;

    private readonly int CountInResources(Field resources)
    {
        var count = 0;
        var reader = Open(resources);
        while (reader.Next())
        {
            count += reader.Tag == Scopes ? CountInScopes(new Field(reader, 0)) : 0;
        }

        return count;
    }

    private readonly int CountInScopes(Field scopes)
    {
        var count = 0;
        var reader = Open(scopes);
        while (reader.Next())
        {
            if (reader.Tag == Items)
            {
                count += _signal == Signal.Metrics ? SurveyOf(new Field(reader, 0)).Points : 1;
            }
        }

        return count;
    }

    private readonly ProtoReader Open(Field message) => new(_request, message.ValueOffset, message.End);

    private readonly ReadOnlySpan<byte> Value(Field field) => _request[field.ValueOffset..field.End];

    private static OtlpJsonMessage ChildOf(OtlpJsonMessage message, int field) => message.Fields[message.IndexOf(field)].Child;

    /// <summary>A field as it lies in the request. The default one is a field that is not there.</summary>
    /// <param name="parent">Where the body of the message starts that holds it.</param>
    private readonly struct Field(in ProtoReader reader, int parent)
    {
        public readonly uint Tag = reader.Tag;
        public readonly int Offset = reader.FieldOffset;
        public readonly int ValueOffset = reader.ValueOffset;
        public readonly int End = reader.ValueEnd;
        public readonly int Parent = parent;

        public int Length => End - ValueOffset;

        public bool IsThere => Tag != 0;
    }
}
