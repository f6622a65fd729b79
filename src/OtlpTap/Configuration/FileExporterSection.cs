using OtlpTap.Forward;

namespace OtlpTap.Configuration;

/// <summary><c>exporters.file</c>.</summary>
internal static class FileExporterSection
{
    public static FileExporterOptions? Read(string id, Section section)
    {
        var path = section.RequiredText("path");
        var defaults = new FileExporterOptions(id) { Path = path ?? "" };
        var options = defaults with
        {
            Append = section.Flag("append", defaults.Append),
            CreateDirectory = section.Flag("create_directory", defaults.CreateDirectory),
            IsProto = section.Choice("format", defaults.IsProto, [("json", false), ("proto", true)]),
            IsZstd = section.Choice("compression", defaults.IsZstd, [("none", false), ("zstd", true), ("", false)]),
            Rotation = ReadRotation(section.OptionalMap("rotation")),
        };
        if (options.Append && options.Rotation is not null)
        {
            section.Error("append", "does not go together with `rotation`: one of them must go");
        }

        if (options.Append && options.IsZstd)
        {
            section.Error("append", "does not go together with `compression`: one of them must go");
        }

        if (path is not null && (path.Contains('\0', StringComparison.Ordinal) || Directory.Exists(path)))
        {
            section.Error("path", $"`{path.Replace("\0", "", StringComparison.Ordinal)}` is no name of a file");
        }
        else if (path is { Length: > 0 } && !options.CreateDirectory && Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory && !Directory.Exists(directory))
        {
            section.Warning("path", $"there is no directory `{directory}`: nothing can be written until there is one; `create_directory: true` makes it");
        }

        section.Ignore(["compression_params"], "the tap compresses at the level that costs least");
        section.Ignore(["flush_interval"], "every request is given to the system before it is answered, nothing waits to be flushed");
        section.Ignore(["directory_permissions"], "directories are made with the permissions that the system gives");
        section.Refuse(["encoding"], "the tap has no encoding extensions: `format` is `json` or `proto`");
        section.Refuse(["group_by"], "is not supported: the tap writes one file; remove it");
        DeliverySection.RefuseSpool(section);
        var exporter = DeliverySection.Read(options, section);
        section.RefuseUnknownKeys();
        return path is null ? null : exporter;
    }

    private static FileRotationOptions? ReadRotation(Section? rotation)
    {
        if (rotation is null)
        {
            return null;
        }

        var defaults = new FileRotationOptions();
        var options = new FileRotationOptions
        {
            MegabytesMax = rotation.Number("max_megabytes", defaults.MegabytesMax, 1, 1_048_576),
            DaysMax = rotation.Number("max_days", defaults.DaysMax, 0, 36_500),
            BackupsMax = rotation.Number("max_backups", defaults.BackupsMax, 0, 1_000_000),
            IsLocalTime = rotation.Flag("localtime", defaults.IsLocalTime),
        };
        rotation.RefuseUnknownKeys();
        return options;
    }
}
