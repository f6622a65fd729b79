namespace OtlpTap.Configuration;

/// <summary>What <c>tls</c> of listeners and of exporters share.</summary>
internal static class TlsFiles
{
    private static readonly Version Tls12 = new(1, 2);
    private static readonly Version Tls13 = new(1, 3);

    /// <summary>The name of a file that is there; null where the key is not set.</summary>
    /// <param name="isUsed">Whether it has to be there.</param>
    public static string? ReadFile(Section tls, string key, bool isUsed = true)
    {
        var file = tls.Text(key, "");
        if (isUsed && file.Length > 0 && !File.Exists(file))
        {
            tls.Error(key, $"no file `{file}`");
        }

        return file.Length > 0 ? file : null;
    }

    /// <summary>A private key: that others can read it is said.</summary>
    public static string? ReadKeyFile(Section tls, string key, bool isUsed = true)
    {
        var file = ReadFile(tls, key, isUsed);
        if (isUsed && file is not null && IsOpenToAll(file))
        {
            tls.Warning(key, $"every user of this machine can read `{file}`: `chmod o-rwx` keeps a private key private");
        }

        return file;
    }

    /// <summary>The oldest that is spoken. Older ones than 1.2, which the Collector would speak, count as 1.2.</summary>
    public static Version ReadMinVersion(Section tls, Version byDefault)
    {
        const string Key = "min_version";
        var version = tls.Choice(Key, byDefault, [("1.2", Tls12), ("1.3", Tls13), ("1.0", Tls12), ("1.1", Tls12), ("", byDefault)]);
        if (tls.Value(Key) is ConfigScalar { Text: "1.0" or "1.1" } old)
        {
            tls.Warning(Key, $"counts as `1.2`: TLS {old.Text} is not spoken");
        }

        return version;
    }

    public static Version? ReadMaxVersion(Section tls) =>
        tls.Choice("max_version", null, [("1.2", Tls12), ("1.3", Tls13), ("", null)], text => text is "1.0" or "1.1" ? $"TLS {text} is not spoken: `1.2` or `1.3`" : null);

    public static TimeSpan? ReadReloadInterval(Section tls)
    {
        var interval = tls.OptionalDuration("reload_interval", null, TimeSpan.Zero, TimeSpan.FromDays(365));
        return interval == TimeSpan.Zero ? null : interval;
    }

    /// <summary>At most one of a file and its text; and one of them, where one is required.</summary>
    public static void Choose(Section tls, string file, string text, bool isRequired)
    {
        var hasFile = tls.Value(file) is not null;
        var hasText = tls.Value(text) is not null;
        if (hasFile && hasText)
        {
            tls.KeyError(text, $"`{file}` is set as well: one of them must go");
        }
        else if (isRequired && !hasFile && !hasText)
        {
            tls.Problems.Error(tls.Mark, tls.PathOf(file), $"must be set, or `{text}`");
        }
    }

    public static void RefuseChoices(Section tls) =>
        tls.Refuse(
            ["cipher_suites", "include_insecure_cipher_suites", "curve_preferences", "tpm"],
            "is not supported: the system's choice of ciphers holds; remove it");

    // By the open file, since a secret that is mounted is a link to one.
    private static bool IsOpenToAll(string file)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(file))
        {
            return false;
        }

        try
        {
            using var opened = File.OpenHandle(file);
            return (File.GetUnixFileMode(opened) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return false; // told where it is read
        }
    }
}
