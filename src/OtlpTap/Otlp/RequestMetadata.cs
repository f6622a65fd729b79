namespace OtlpTap.Otlp;

/// <summary>
/// The request headers that travel on to the upstream (by default <c>authorization</c> and <c>x-scope-orgid</c>).
/// Requests are merged into one upstream call only when theirs are equal, so equality is by value and order.
/// </summary>
internal sealed class RequestMetadata : IEquatable<RequestMetadata>
{
    public static readonly RequestMetadata Empty = new([]);

    private readonly (string Name, string Value)[] _entries;
    private readonly int _hash;

    /// <param name="entries">Lower-case names in the order of the configured list, so that equal headers compare equal.</param>
    public RequestMetadata((string Name, string Value)[] entries)
    {
        _entries = entries;
        var hash = new HashCode();
        foreach (var (name, value) in entries)
        {
            hash.Add(name);
            hash.Add(value);
            MemoryBytes += sizeof(char) * value.Length;
        }

        _hash = hash.ToHashCode();
    }

    /// <summary>What the values take while the request waits; the names are the configuration's.</summary>
    public long MemoryBytes { get; }

    public ReadOnlySpan<(string Name, string Value)> Entries => _entries;

    public bool Equals(RequestMetadata? other) =>
        ReferenceEquals(this, other) || (other is not null && _hash == other._hash && _entries.AsSpan().SequenceEqual(other._entries));

    public override bool Equals(object? obj) => Equals(obj as RequestMetadata);

    public override int GetHashCode() => _hash;
}
