namespace OtlpTap.Configuration;

/// <summary><c>type</c> or <c>type/name</c>, as the Collector names components and pipelines.</summary>
internal readonly record struct ComponentId(string Type, string Name)
{
    /// <summary>False for an empty type, an empty name behind a slash, and blanks around either.</summary>
    public static bool TryParse(string text, out ComponentId id)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        id = slash < 0 ? new ComponentId(text, "") : new ComponentId(text[..slash], text[(slash + 1)..]);
        return id.Type.Length > 0 && id.Type.Trim() == id.Type && (slash < 0 || (id.Name.Length > 0 && id.Name.Trim() == id.Name));
    }
}
