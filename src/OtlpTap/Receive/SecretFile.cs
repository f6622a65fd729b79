using System.Text;

namespace OtlpTap.Receive;

/// <summary>Reads small text files whose content decides who is let in.</summary>
internal static class SecretFile
{
    /// <summary>Ten thousand lines of passwords. More is a mistake in the path.</summary>
    private const int BytesMax = 1 << 20;

    /// <param name="key">As the operator writes it, for the message.</param>
    /// <exception cref="UnusableFileException">It is not there, not readable or too large.</exception>
    public static string Read(string key, string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            using var reader = new StreamReader(file);
            var text = new StringBuilder();
            var piece = new char[4096];
            int length;
            while ((length = reader.Read(piece)) > 0)
            {
                // Counted while it is read: a device has no length, and no end either.
                if (text.Append(piece, 0, length).Length > BytesMax)
                {
                    throw new UnusableFileException($"{key} `{path}` is larger than {BytesMax >> 20} MiB");
                }
            }

            return text.ToString();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new UnusableFileException($"{key} `{path}` cannot be read: {problem.Message}", problem);
        }
    }
}
