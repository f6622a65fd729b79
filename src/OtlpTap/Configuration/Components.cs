namespace OtlpTap.Configuration;

/// <summary>
/// The components of one section (receivers, processors, exporters, extensions) by id, with what each was read as; null where its
/// section was wrong. Knows which of them have been named.
/// </summary>
internal sealed class Components<T>(string kind)
    where T : class
{
    private readonly List<(string Id, Section Section, T? Options)> _components = [];
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    public int Count => _components.Count;

    /// <summary>Those that were read without an error that leaves nothing to use.</summary>
    public IEnumerable<(string Id, Section Section, T Options)> Used =>
        from component in _components
        where component.Options is not null && _used.Contains(component.Id)
        select (component.Id, component.Section, component.Options!);

    public void Add(string id, Section section, T? options) => _components.Add((id, section, options));

    public bool Has(string id) => _components.Exists(component => component.Id == id);

    public bool IsUsed(string id) => _used.Contains(id);

    /// <summary>What the id names, taken as used from now on; reports an id that names nothing.</summary>
    public T? Use(string id, Mark mark, string path, ProblemList problems)
    {
        foreach (var component in _components)
        {
            if (component.Id == id)
            {
                _used.Add(id);
                return component.Options;
            }
        }

        var ids = _components.Select(component => component.Id).ToList();
        var help = NearestName.Find(id, ids) is { } nearest ? $"did you mean `{nearest}`?"
            : id == "tap" ? "add `tap:` to `processors`"
            : ids.Count == 0 ? $"`{kind}s` defines none"
            : $"defined are: {string.Join(", ", ids)}";
        problems.Error(mark, path, $"no {kind} `{id}` is defined; {help}");
        return null;
    }

    public void UseAll() => _used.UnionWith(_components.Select(component => component.Id));

    /// <param name="unused">Why one that nobody names has no effect.</param>
    /// <param name="isSaid">Those of which that has been said already.</param>
    public void WarnOfUnused(Section parent, string unused, Func<T, bool>? isSaid = null)
    {
        foreach (var (id, _, options) in _components)
        {
            if (options is not null && !_used.Contains(id) && isSaid?.Invoke(options) != true)
            {
                parent.KeyWarning(id, unused);
            }
        }
    }
}
