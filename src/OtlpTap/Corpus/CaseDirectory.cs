using System.IO.Enumeration;
using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Corpus;

/// <summary>
/// The folder of the cases, <c>&lt;root&gt;/&lt;failure&gt;/&lt;fingerprint&gt;/</c>: paths, and files that are either whole
/// or not there. File system errors come out as <see cref="IOException"/> and <see cref="UnauthorizedAccessException"/>.
/// </summary>
internal sealed class CaseDirectory(string root)
{
    public const string CaseFile = "case.json";
    public const string TraceFile = "trace.json";
    public const string LogsFile = "logs.json";
    public const string SeenFile = "seen.json";

    /// <summary>Further traces of a case, below its folder.</summary>
    public const string TracesFolder = "traces";

    private const string IgnoreFile = ".gitignore";

    // What a clone must not have, or has no use for.
    private const string Ignored = ".redaction-key*\n.lock\n.pull-*\n.*.tmp\n";

    /// <summary>
    /// Up to so many bytes a file is indented; nobody reads the lines of a larger one. Indentation costs its depth for each
    /// line, so that a request of 80 KB, a list of numbers below 90 lists, would be 34 MB, and one of 64 MiB all of a disk.
    /// </summary>
    public const int IndentedBytesMax = 16 << 20;

    private const int SetAsideMax = 100;
    private const int FailureNameLengthMax = 64;

    // Cases are read by people, in diffs: indented, and text as it is, for nothing here goes into HTML.
    private static readonly JsonWriterOptions Indented = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly JsonWriterOptions Compact = Indented with { Indented = false };

    // What is below a link is somebody else's, and may be the folder itself. What vanishes meanwhile counts nothing.
    private static readonly EnumerationOptions OwnFiles = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.ReparsePoint,
        IgnoreInaccessible = true,
    };

    private long _bytes = -1;

    public string Root { get; } = Path.GetFullPath(root);

    /// <summary>Bytes of all files: measured by <see cref="Measure"/>, then kept up with what is written here.</summary>
    public long Bytes => _bytes >= 0 ? _bytes : Measure();

    public long Measure()
    {
        return _bytes = Directory.Exists(Root)
            ? new FileSystemEnumerable<long>(Root, static (ref FileSystemEntry entry) => entry.IsDirectory ? 0 : entry.Length, OwnFiles).Sum()
            : 0;
    }

    /// <summary>Where the case of a fingerprint lies, whatever failure it was filed under; null when there is none.</summary>
    public string? Find(string failure, string fingerprint)
    {
        var expected = PathFor(failure, fingerprint);
        if (File.Exists(Path.Combine(expected, CaseFile)))
        {
            return expected;
        }

        if (!Directory.Exists(Root))
        {
            return null;
        }

        foreach (var folder in Directory.EnumerateDirectories(Root))
        {
            var path = Path.Combine(folder, fingerprint);
            if (File.Exists(Path.Combine(path, CaseFile)))
            {
                return path;
            }
        }

        return Directory.Exists(expected) ? expected : null;
    }

    public string PathFor(string failure, string fingerprint) => Path.Combine(Root, FolderName(failure), fingerprint);

    /// <summary>Folders with a case, of whatever format, in the order of their names.</summary>
    public IEnumerable<string> CaseFolders() => Directory.Exists(Root)
        ? Directory.EnumerateDirectories(Root).Order(StringComparer.Ordinal)
            .SelectMany(failure => Directory.EnumerateDirectories(failure).Order(StringComparer.Ordinal))
            .Where(path => File.Exists(Path.Combine(path, CaseFile)))
        : [];

    /// <summary>Makes the folder of a case; with the first one, what keeps Git from taking the files that are this machine's.</summary>
    public void Create(string casePath)
    {
        Directory.CreateDirectory(casePath);
        var ignore = Path.Combine(Root, IgnoreFile);
        if (!File.Exists(ignore))
        {
            File.WriteAllText(ignore, Ignored);
            _bytes = _bytes >= 0 ? _bytes + Ignored.Length : _bytes;
        }
    }

    /// <summary>Removes a file and answers its size; 0 when there is none.</summary>
    public long Delete(string path)
    {
        var length = LengthOf(path);
        var bytesBefore = Bytes;
        File.Delete(path);
        _bytes = bytesBefore - length;
        return length;
    }

    /// <summary>Removes further traces, the oldest first, until the folder has no more than <paramref name="bytesMax"/>. Answers how many.</summary>
    public int DeleteOldestTraces(long bytesMax)
    {
        if (!Directory.Exists(Root) || Bytes <= bytesMax)
        {
            return 0;
        }

        var deleted = 0;
        var files = new DirectoryInfo(Root).EnumerateFiles("*.json", OwnFiles).Where(file => file.Directory?.Name == TracesFolder).OrderBy(file => file.LastWriteTimeUtc).ToList();
        foreach (var file in files)
        {
            if (Bytes <= bytesMax)
            {
                break;
            }

            Delete(file.FullName);
            deleted++;
        }

        return deleted;
    }

    /// <summary>Writes to a temporary name beside the file, to the disk, and renames it over the old one. A leftover of a crash is overwritten.</summary>
    public void Write(string casePath, string fileName, Action<Utf8JsonWriter> write)
    {
        var path = Path.Combine(casePath, fileName);
        var temporary = Path.Combine(casePath, $".{fileName}.tmp");
        var before = LengthOf(path) + LengthOf(temporary);
        var bytesBefore = Bytes;

        // Made anew, never opened: a link that somebody put in its place would lead the bytes elsewhere.
        File.Delete(temporary);
        try
        {
            WriteWhole(temporary, write);
        }
        catch (IOException)
        {
            File.Delete(temporary); // half a file is of no use, and the disk may be full
            throw;
        }

        File.Move(temporary, path, overwrite: true);
        _bytes = bytesBefore + LengthOf(path) - before;
    }

    /// <summary>Null when there is no such file.</summary>
    public static byte[]? Read(string casePath, string fileName)
    {
        var path = Path.Combine(casePath, fileName);
        return File.Exists(path) ? File.ReadAllBytes(path) : null;
    }

    /// <summary>Renames a file that cannot be read, so that nothing in it is lost, and returns its new path.</summary>
    public static string SetAside(string casePath, string fileName)
    {
        var path = Path.Combine(casePath, fileName);
        for (var i = 1; i <= SetAsideMax; i++)
        {
            var aside = $"{path}.broken-{i}";
            if (!File.Exists(aside))
            {
                File.Move(path, aside);
                return aside;
            }
        }

        throw new IOException($"{path} was set aside {SetAsideMax} times already.");
    }

    private static void WriteWhole(string path, Action<Utf8JsonWriter> write)
    {
        using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        if (!TryWrite(stream, Indented, IndentedBytesMax, write))
        {
            stream.SetLength(0);
            TryWrite(stream, Compact, long.MaxValue, write);
        }

        stream.WriteByte((byte)'\n');
        stream.Flush(flushToDisk: true);
    }

    private static bool TryWrite(Stream stream, JsonWriterOptions options, long bytesMax, Action<Utf8JsonWriter> write)
    {
        using var output = new BoundedOutput(stream, bytesMax);
        try
        {
            using var json = new Utf8JsonWriter(output, options);
            write(json);
        }
        catch (BoundedOutput.FullException)
        {
            return false;
        }

        output.Flush();
        return true;
    }

    // The name of a failure is the user's: it must stay one folder, below ours.
    internal static string FolderName(string failure)
    {
        var name = string.Concat(failure.Take(FailureNameLengthMax).Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' ? c : '_')).TrimStart('.');
        return name.Length == 0 ? "unnamed" : name;
    }

    private static long LengthOf(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;
}
