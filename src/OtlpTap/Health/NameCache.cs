using System.Runtime.CompilerServices;

namespace OtlpTap.Health;

/// <summary>
/// What was found under four names a moment ago, by the strings themselves and not by their characters: those who tell of
/// steps hand out the same few objects again and again. A miss only costs the search that it saves. Of fixed size, a later
/// one takes the place of an earlier. Not thread-safe.
/// </summary>
internal sealed class NameCache<T>
    where T : class
{
    private const int Length = 1024;

    private readonly Place[] _places = new Place[Length];

    /// <summary>Null where it is not known, or not by these objects.</summary>
    public T? Find(string first, string second, string third, string fourth)
    {
        ref readonly var place = ref PlaceOf(first, second, third, fourth);
        return (object)first == place.First && (object)second == place.Second && (object)third == place.Third && (object)fourth == place.Fourth ? place.Found : null;
    }

    public void Keep(string first, string second, string third, string fourth, T found) =>
        PlaceOf(first, second, third, fourth) = new Place { First = first, Second = second, Third = third, Fourth = fourth, Found = found };

    private ref Place PlaceOf(string first, string second, string third, string fourth)
    {
        var hash = (uint)RuntimeHelpers.GetHashCode(first);
        hash = (hash * 31) + (uint)RuntimeHelpers.GetHashCode(second);
        hash = (hash * 31) + (uint)RuntimeHelpers.GetHashCode(third);
        hash = (hash * 31) + (uint)RuntimeHelpers.GetHashCode(fourth);
        return ref _places[(hash ^ (hash >> 16)) & (Length - 1)];
    }

    private struct Place
    {
        public string? First;
        public string? Second;
        public string? Third;
        public string? Fourth;
        public T? Found;
    }
}
