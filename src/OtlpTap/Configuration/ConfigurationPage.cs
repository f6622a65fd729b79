using System.Text;

namespace OtlpTap.Configuration;

/// <summary>docs/configuration.md: every key with its default, range and meaning, from what the readers ask for.</summary>
internal static class ConfigurationPage
{
    private const string Head =
        """
        # Configuration keys

        Every key, with its default and range. Written by `otlptap config-schema --format markdown`; a test fails when it differs
        from the code. The same for editors is [config/otlptap.schema.json](../config/otlptap.schema.json), and the commented
        default is [config/otlptap.yaml](../config/otlptap.yaml).

        Names, places and defaults are the Collector's where it has the key. Unknown keys are refused. Durations are `5s`, `100ms`,
        `1h30m`; a size ends with its unit. Any value may be `${env:NAME}` or `${env:NAME:-default}`; `$$` is a dollar sign. Keys
        that the Collector has and that have no effect here are accepted with a warning; those that would promise what the tap
        does not do are refused with what to do instead.

        """;

    public static string Write(KeyShape root)
    {
        var page = new StringBuilder(Head.ReplaceLineEndings("\n"));
        foreach (var section in root.Keys)
        {
            page.Append('\n').Append("## ").Append(section.Name).Append("\n\n").Append(KeyDescriptions.Of(section, section.Name)).Append('\n');
            if (section.Kind == KeyKind.Components)
            {
                foreach (var component in section.Keys)
                {
                    WriteTable(page, component, $"{section.Name}.{component.Name.Split('|')[0]}");
                }
            }
            else
            {
                WriteRows(StartTable(page), section, "", section.Name);
            }
        }

        return page.ToString();
    }

    private static void WriteTable(StringBuilder page, KeyShape component, string path)
    {
        var names = component.Name.Split('|');
        page.Append("\n### ").Append(names[0]).Append("\n\n").Append(KeyDescriptions.Of(component, path));
        page.Append(names.Length > 1 ? $" Formerly `{names[1]}`.\n" : "\n");
        if (component.Keys.Count > 0)
        {
            WriteRows(StartTable(page), component, "", path);
        }
    }

    private static StringBuilder StartTable(StringBuilder page) => page.Append("\n| Key | Default | Values | |\n|---|---|---|---|\n");

    private static void WriteRows(StringBuilder page, KeyShape map, string prefix, string path)
    {
        foreach (var key in map.Keys)
        {
            var name = key.Name.Split('|')[0];
            var below = $"{path}.{name}";
            var any = key.Kind switch { KeyKind.MapList => "[]", KeyKind.NamedMaps => ".<name>", _ => "" };
            page.Append($"| `{prefix}{key.Name.Replace("|", "`, `", StringComparison.Ordinal)}{any}` | {DefaultOf(key)} | {ValuesOf(key)} | {KeyDescriptions.Of(key, below)} |\n");
            WriteRows(page, key, $"{prefix}{name}{any}.", below);
        }
    }

    private static string DefaultOf(KeyShape key) => key.IsRequired ? "required" : key.Default is { } value ? $"`{value}`" : "";

    private static string ValuesOf(KeyShape key) => key.Kind switch
    {
        KeyKind.Any => "anything",
        KeyKind.Map or KeyKind.Components => "",
        KeyKind.MapList => key.IsAlsoMap ? "a map, or a list of them" : "list",
        KeyKind.NamedMaps => "names and maps",
        KeyKind.TextMap or KeyKind.SecretMap => "names and texts",
        KeyKind.Flag => "`true`, `false`",
        KeyKind.Integer or KeyKind.Number or KeyKind.Duration => $"{key.Min} to {key.Max}",
        KeyKind.Choice => string.Join(", ", key.Choices.Where(word => word.Length > 0).Select(word => $"`{word}`")),
        KeyKind.TextList or KeyKind.SecretList => "list of texts",
        _ => "text",
    };
}
