using System.Collections;
using System.Runtime.CompilerServices;

namespace OtlpTap.Forward;

/// <summary>Headers that are configured, in their order. Equal by value, so that a reload sees which exporters stay as they are.</summary>
[CollectionBuilder(typeof(HeaderList), nameof(Of))]
internal sealed class HeaderList : IReadOnlyList<(string Name, string Value)>, IEquatable<HeaderList>
{
    private readonly (string Name, string Value)[] _headers;

    private HeaderList((string Name, string Value)[] headers) => _headers = headers;

    public int Count => _headers.Length;

    public (string Name, string Value) this[int index] => _headers[index];

    public static implicit operator HeaderList(List<(string Name, string Value)> headers) => new([.. headers]);

    public static HeaderList Of(ReadOnlySpan<(string Name, string Value)> headers) => new(headers.ToArray());

    public IEnumerator<(string Name, string Value)> GetEnumerator() => ((IEnumerable<(string Name, string Value)>)_headers).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(HeaderList? other) => other is not null && _headers.AsSpan().SequenceEqual(other._headers);

    public override bool Equals(object? obj) => Equals(obj as HeaderList);

    public override int GetHashCode() => _headers.Aggregate(0, HashCode.Combine);

    /// <summary>The names alone: values may be credentials, and records print their members.</summary>
    public override string ToString() => string.Join(", ", _headers.Select(header => header.Name));
}
