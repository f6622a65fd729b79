using System.Globalization;

namespace OtlpTap.Runs.Json;

/// <summary>A value in a <see cref="JsonText"/>; the default is "there is none", of which every question has an empty answer.</summary>
internal readonly struct JsonValue(JsonText? owner, int index)
{
    public JsonKind Kind => owner is null ? JsonKind.None : owner.Entries[index].Kind;

    public bool IsObject => Kind == JsonKind.Object;

    public bool IsArray => Kind == JsonKind.Array;

    public bool IsText => Kind == JsonKind.Text;

    /// <summary>There is a value, and it is not null.</summary>
    public bool IsGiven => Kind > JsonKind.Null;

    /// <summary>Neither absent nor null, false, zero, an empty text, list or object.</summary>
    public bool IsTruthy => Kind switch
    {
        JsonKind.True => true,
        JsonKind.Number => AsDouble() is not (0 or null),
        JsonKind.Text => owner!.Entries[index] is { } entry && entry.End > entry.Start,
        JsonKind.Array or JsonKind.Object => owner!.Entries[index].Next > index + 1,
        _ => false,
    };

    /// <summary>As a member of an object.</summary>
    public string Name => owner is null ? "" : JsonEscapes.Text(owner.Text, owner.Entries[index].NameStart, owner.Entries[index].NameEnd, owner.Entries[index].IsNameEscaped);

    /// <summary>As it was written, with the quotes of a text.</summary>
    public string Raw
    {
        get
        {
            if (owner is null)
            {
                return "";
            }

            var (start, end) = (owner.Entries[index].Start, owner.Entries[index].End);
            if (!IsText)
            {
                return start == 0 && end == owner.Text.Length ? owner.Text : owner.Text[start..end];
            }

            return owner.Text[(start - 1)..Math.Min(end + 1, owner.Text.Length)];
        }
    }

    /// <summary>Of a text what it says; of null nothing; of anything else its JSON.</summary>
    public string Text => Kind switch
    {
        JsonKind.None or JsonKind.Null => "",
        JsonKind.Text => JsonEscapes.Text(owner!.Text, owner.Entries[index].Start, owner.Entries[index].End, owner.Entries[index].IsEscaped),
        _ => Raw,
    };

    /// <summary><see cref="Text"/>, or null where that is empty.</summary>
    public string? TextOrNull => IsGiven && Text is { Length: > 0 } text ? text : null;

    /// <summary>The first member of the name; none where this is no object or has none such.</summary>
    public JsonValue this[string name]
    {
        get
        {
            if (!IsObject)
            {
                return default;
            }

            var entries = owner!.Entries;
            var end = entries[index].Next;
            for (var child = index + 1; child < end; child = entries[child].Next)
            {
                if (entries[child].IsNameEscaped
                    ? new JsonValue(owner, child).Name == name
                    : owner.Text.AsSpan(entries[child].NameStart, entries[child].NameEnd - entries[child].NameStart).SequenceEqual(name))
                {
                    return new JsonValue(owner, child);
                }
            }

            return default;
        }
    }

    /// <summary>The first given member of one of the names.</summary>
    public JsonValue First(params ReadOnlySpan<string> names)
    {
        if (IsObject)
        {
            foreach (var name in names)
            {
                if (this[name] is { IsGiven: true } value)
                {
                    return value;
                }
            }
        }

        return default;
    }

    public double? AsDouble() =>
        Kind == JsonKind.Number
        && double.TryParse(owner!.Text.AsSpan(owner.Entries[index].Start, owner.Entries[index].End - owner.Entries[index].Start), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    public long? AsLong() => AsDouble() is { } number && number is >= long.MinValue and <= (double)(long.MaxValue - 1024) ? (long)number : null;

    /// <summary>The items of a list, or the members of an object.</summary>
    public Children GetEnumerator() => Kind is JsonKind.Array or JsonKind.Object ? new Children(owner, index) : default;

    public struct Children(JsonText? owner, int parent)
    {
        private readonly int _end = owner is null ? 0 : owner.Entries[parent].Next;
        private int _child = -1;

        public readonly JsonValue Current => new(owner, _child);

        public bool MoveNext()
        {
            if (owner is null)
            {
                return false;
            }

            _child = _child < 0 ? parent + 1 : owner.Entries[_child].Next;
            return _child < _end;
        }
    }
}
