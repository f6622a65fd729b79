using System.Globalization;

namespace OtlpTap.Forward.Files;

/// <summary>
/// The files that rotation leaves behind: <c>traces.json</c> becomes <c>traces-2026-11-23T08-00-00.000.json</c>, the names
/// that lumberjack, which the Collector rotates with, gives them.
/// </summary>
internal sealed class BackupFiles(string path, FileRotationOptions options, TimeProvider time)
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH-mm-ss.fff";

    private readonly string _directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
    private readonly string _prefix = Path.GetFileNameWithoutExtension(path) + "-";
    private readonly string _extension = Path.GetExtension(path);

    /// <summary>A name that no file has; the next free millisecond where several are asked for in one.</summary>
    public string NextName()
    {
        var now = Now();
        while (true)
        {
            var name = Path.Combine(_directory, _prefix + now.ToString(TimeFormat, CultureInfo.InvariantCulture) + _extension);
            if (!File.Exists(name))
            {
                return name;
            }

            now = now.AddMilliseconds(1);
        }
    }

    /// <summary>Deletes what is beyond <c>max_backups</c>, oldest first, and what is older than <c>max_days</c>.</summary>
    /// <exception cref="IOException">One could not be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public void Prune()
    {
        var backups = Directory.EnumerateFiles(_directory, _prefix + "*" + _extension)
            .Select(file => (File: file, Time: TimeOf(file)))
            .Where(backup => backup.Time is not null)
            .OrderByDescending(backup => backup.Time)
            .ToList();
        var oldest = options.DaysMax > 0 ? Now().AddDays(-options.DaysMax) : DateTime.MinValue;
        for (var i = 0; i < backups.Count; i++)
        {
            if ((options.BackupsMax > 0 && i >= options.BackupsMax) || backups[i].Time < oldest)
            {
                File.Delete(backups[i].File);
            }
        }
    }

    private DateTime Now() => options.IsLocalTime ? time.GetLocalNow().DateTime : time.GetUtcNow().UtcDateTime;

    private DateTime? TimeOf(string file)
    {
        var name = Path.GetFileName(file.AsSpan());
        return name.Length == _prefix.Length + "2026-11-23T08-00-00.000".Length + _extension.Length
            && DateTime.TryParseExact(name[_prefix.Length..^_extension.Length], TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var at)
            ? at
            : null;
    }
}
