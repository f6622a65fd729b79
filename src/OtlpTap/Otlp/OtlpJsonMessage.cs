using System.Diagnostics;

namespace OtlpTap.Otlp;

/// <summary>One message of <see cref="OtlpJsonSchema"/>: its fields in the order of their numbers.</summary>
internal sealed class OtlpJsonMessage
{
    /// <summary>Of the message that has most: the span.</summary>
    public const int FieldCountMax = 16;

    private const int FieldNumberMax = 16;

    private readonly OtlpJsonField[] _fields;
    private readonly sbyte[] _indexByNumber = new sbyte[FieldNumberMax + 1];

    public OtlpJsonMessage(string name, params OtlpJsonField[] fields)
    {
        Debug.Assert(fields.Length <= FieldCountMax, "The writer's table of fields is too short for this message.");
        Name = name;
        _fields = fields;
        _indexByNumber.AsSpan().Fill(-1);
        for (var i = 0; i < fields.Length; i++)
        {
            _indexByNumber[fields[i].Number] = (sbyte)i;
        }
    }

    public string Name { get; }

    public ReadOnlySpan<OtlpJsonField> Fields => _fields;

    /// <summary>Where the field of this number stands in <see cref="Fields"/>; -1 when the message has none.</summary>
    public int IndexOf(int number) => (uint)number <= FieldNumberMax ? _indexByNumber[number] : -1;

    /// <summary>The field of this JSON name; null when the message has none. Names are few and differ in length: no hash pays here.</summary>
    public OtlpJsonField? Find(ReadOnlySpan<byte> name)
    {
        foreach (var field in _fields)
        {
            if (name.SequenceEqual(field.Name.EncodedUtf8Bytes))
            {
                return field;
            }
        }

        return null;
    }
}
