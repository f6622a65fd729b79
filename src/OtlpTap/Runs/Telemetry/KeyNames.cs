using System.Text;

namespace OtlpTap.Runs.Telemetry;

/// <summary>Attribute keys as strings: the same few come again and again, and are made once.</summary>
internal sealed class KeyNames
{
    private const int LengthMax = 256;
    private const int NamesMax = 4_096;

    private readonly Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> _names =
        new Dictionary<string, string>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Null for a key that is longer than any that means something here.</summary>
    public string? Name(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > LengthMax)
        {
            return null;
        }

        Span<char> characters = stackalloc char[LengthMax];
        var key = characters[..Encoding.UTF8.GetChars(utf8, characters)];
        if (_names.TryGetValue(key, out var name))
        {
            return name;
        }

        name = key.ToString();
        if (_names.Dictionary.Count < NamesMax)
        {
            _names.Dictionary.Add(name, name);
        }

        return name;
    }
}
