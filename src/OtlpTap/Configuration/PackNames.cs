using System.Collections.Immutable;

namespace OtlpTap.Configuration;

/// <summary>The rule packs that can be named in <c>packs</c>: by default those that are embedded.</summary>
internal sealed class PackNames(IEnumerable<string> names)
{
    private const string All = "all";
    private const string None = "none";
    private const string ResourcePrefix = "packs/";

    private readonly ImmutableArray<string> _names = [.. names.Order(StringComparer.Ordinal)];

    public static PackNames Embedded() => new(typeof(PackNames).Assembly.GetManifestResourceNames()
        .Where(resource => resource.StartsWith(ResourcePrefix, StringComparison.Ordinal))
        .Select(resource => System.IO.Path.GetFileNameWithoutExtension(resource[ResourcePrefix.Length..])));

    public ImmutableArray<string> Read(Section tap, string key, ImmutableArray<string> byDefault)
    {
        if (tap.TextList(key, byDefault) is not { } texts)
        {
            return byDefault;
        }

        var packs = ImmutableArray.CreateBuilder<string>(texts.Length);
        for (var i = 0; i < texts.Length; i++)
        {
            var (name, mark) = texts[i];
            if (name == None && texts.Length == 1)
            {
                continue;
            }

            if (name != All && !_names.Contains(name))
            {
                var help = NearestName.Find(name, [All, None, .. _names]) is { } nearest ? $"did you mean `{nearest}`?" : $"there are: {string.Join(", ", [All, None, .. _names])}";
                tap.Problems.Error(mark, $"{tap.PathOf(key)}[{i}]", name == None ? "`none` stands alone" : $"no rule pack `{name}`; {help}");
            }
            else if (!packs.Contains(name))
            {
                packs.Add(name);
            }
        }

        return packs.ToImmutable();
    }
}
