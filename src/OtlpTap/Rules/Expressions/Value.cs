namespace OtlpTap.Rules.Expressions;

/// <summary>
/// What an expression of a condition comes to. The reference tells received values from values it makes itself (a list
/// in an attribute from a list written in a condition, a text list that <c>Split</c> makes from both), and that shows:
/// they compare differently. So they are different kinds here too.
/// </summary>
internal abstract class Value
{
    public static readonly Value Nil = new NilValue();

    /// <summary>As the reference names it in its messages.</summary>
    public abstract string TypeName { get; }

    public bool IsNil => this is NilValue;
}

internal sealed class NilValue : Value
{
    public override string TypeName => "nil";
}

internal sealed class BoolValue : Value
{
    public static readonly BoolValue True = new(true);
    public static readonly BoolValue False = new(false);

    private BoolValue(bool value) => Value = value;

    public bool Value { get; }

    public override string TypeName => "bool";

    public static BoolValue Of(bool value) => value ? True : False;
}

internal sealed class IntValue(long value) : Value
{
    public long Value => value;

    public override string TypeName => "int64";
}

/// <summary>A port of a URL: a number of another type in the reference, so that it equals no other number.</summary>
internal sealed class MachineIntValue(long value) : Value
{
    public long Value => value;

    public override string TypeName => "int";
}

internal sealed class DoubleValue(double value) : Value
{
    public double Value => value;

    public override string TypeName => "float64";
}

internal sealed class TextValue(string text) : Value
{
    public static readonly TextValue Empty = new("");

    /// <summary>One char for each byte: see <see cref="ByteText"/>.</summary>
    public string Text => text;

    public override string TypeName => "string";
}

internal sealed class BytesValue(byte[] bytes) : Value
{
    public byte[] Bytes => bytes;

    /// <summary>Bytes without a byte equal nil, but are not: <c>Coalesce</c> takes them.</summary>
    public bool IsEmpty => bytes.Length == 0;

    public override string TypeName => "[]uint8";
}

/// <summary>A trace id (16 bytes), span id (8) or profile id: equal to ids of its kind only.</summary>
internal sealed class IdValue(IdKind kind, byte[] bytes) : Value
{
    public IdKind Kind => kind;

    public byte[] Bytes => bytes;

    public override string TypeName => kind switch { IdKind.Trace => "pcommon.TraceID", IdKind.Span => "pcommon.SpanID", _ => "pprofile.ProfileID" };

    /// <summary>What people see: hexadecimal digits, nothing for zeros.</summary>
    public string Display => bytes.AsSpan().ContainsAnyExcept((byte)0) ? Convert.ToHexStringLower(bytes) : "";
}

internal enum IdKind : byte
{
    Trace,
    Span,
    Profile,
}

/// <summary>A span's status, events or links as a whole: equal to themselves only, and with a length or none.</summary>
internal sealed class OpaqueValue(string typeName, object identity, int? count) : Value
{
    public object Identity => identity;

    /// <summary>Null for what is no list.</summary>
    public int? Count => count;

    public override string TypeName => typeName;
}

internal sealed class DurationValue(long nanoseconds) : Value
{
    public long Nanoseconds => nanoseconds;

    public override string TypeName => "time.Duration";
}

internal sealed class TimeValue(Instant time) : Value
{
    public Instant Time => time;

    public override string TypeName => "time.Time";
}

/// <summary>A map as it was received, or as a map literal makes it: entries in their order, a key possibly more than once.</summary>
internal sealed class MapValue(IReadOnlyList<KeyValuePair<string, Value>> entries) : Value
{
    // Few maps are large, and most are asked for one key: the first look-up into a large one pays for the others.
    private const int IndexedFrom = 16;

    private Dictionary<string, Value>? _index;

    public IReadOnlyList<KeyValuePair<string, Value>> Entries => entries;

    public override string TypeName => "pcommon.Map";

    /// <summary>Of equal keys the first counts.</summary>
    public bool TryGet(string key, out Value value)
    {
        if (entries.Count >= IndexedFrom)
        {
            if (_index is null)
            {
                var index = new Dictionary<string, Value>(entries.Count, StringComparer.Ordinal);
                foreach (var entry in entries)
                {
                    index.TryAdd(entry.Key, entry.Value);
                }

                _index = index;
            }

            return _index.TryGetValue(key, out value!);
        }

        foreach (var entry in entries)
        {
            if (entry.Key == key)
            {
                value = entry.Value;
                return true;
            }
        }

        value = Nil;
        return false;
    }
}

/// <summary>A map that a converter made (<c>URL</c>, <c>UserAgent</c>).</summary>
internal sealed class RawMapValue(Dictionary<string, Value> entries) : Value
{
    public Dictionary<string, Value> Entries => entries;

    public override string TypeName => "map[string]interface {}";
}

/// <summary>A list as it was received. Its elements are received values.</summary>
internal sealed class ListValue(IReadOnlyList<Value> elements) : Value
{
    public IReadOnlyList<Value> Elements => elements;

    public override string TypeName => "pcommon.Slice";
}

/// <summary>A list written in the condition, or sorted: it may hold anything.</summary>
internal sealed class RawListValue(IReadOnlyList<Value> elements) : Value
{
    public IReadOnlyList<Value> Elements => elements;

    public override string TypeName => "[]interface {}";
}

/// <summary>What <c>Split</c> makes.</summary>
internal sealed class TextListValue(IReadOnlyList<string> texts) : Value
{
    public IReadOnlyList<string> Texts => texts;

    public override string TypeName => "[]string";
}

/// <summary>An error: whatever is made of it is the error.</summary>
/// <param name="isTypeMismatch">The value is there and of another type, which <c>IsString</c> and its like answer with false.</param>
internal sealed class Failure(string message, bool isTypeMismatch = false) : Value
{
    public string Message => message;

    public bool IsTypeMismatch => isTypeMismatch;

    public override string TypeName => "error";
}
