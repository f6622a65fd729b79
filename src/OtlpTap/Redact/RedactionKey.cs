using System.Security.Cryptography;

namespace OtlpTap.Redact;

/// <summary>The key of <see cref="RedactMode.Hash"/>: the operator's, or a random one that is kept beside the cases and outside of Git.</summary>
internal static class RedactionKey
{
    public const string FileName = ".redaction-key";

    private const int KeyBytes = 32;

    /// <summary>The operator's key: the file without the line's end.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static byte[] Read(string file) => File.ReadAllBytes(file).AsSpan().TrimEnd("\r\n"u8).ToArray();

    /// <summary>Empty where none is needed.</summary>
    /// <exception cref="IOException">The key can be neither read nor made.</exception>
    public static byte[] For(RedactOptions options, string directory)
    {
        if (!options.IsEnabled || options.Mode != RedactMode.Hash)
        {
            return [];
        }

        if (options.KeyFile.Length > 0)
        {
            return Read(options.KeyFile);
        }

        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
        {
            // Two taps of one directory must not end with two keys: the first file stays.
            var made = path + "." + Guid.NewGuid().ToString("n");
            var creation = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                creation.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using (var stream = new FileStream(made, creation))
            {
                stream.Write(RandomNumberGenerator.GetBytes(KeyBytes));
                stream.Flush(flushToDisk: true);
            }

            try
            {
                File.Move(made, path, overwrite: false);
            }
            catch (IOException) when (File.Exists(path))
            {
                File.Delete(made);
            }
        }

        return File.ReadAllBytes(path);
    }
}
