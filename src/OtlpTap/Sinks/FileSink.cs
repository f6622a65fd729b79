using System.Text.Json;
using OtlpTap.Forward;
using OtlpTap.Forward.Files;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Sinks;

/// <summary>
/// Appends the case's trace, and then its logs, as lines of OTLP/JSON, which the Collector's file receiver reads. A file
/// that is full is set aside as the <c>file</c> exporter does it.
/// </summary>
/// <param name="open">Opens a file to append to; the system's, unless a test brings its own.</param>
internal sealed class FileSink(SinkOptions options, CaseTraces traces, TimeProvider time, Func<string, Stream>? open = null) : ICaseSink
{
    private readonly BackupFiles _setAside = new(options.Path, new FileRotationOptions { BackupsMax = options.FilesMax }, time);

    public Task<SinkReply> SendAsync(SinkItem item, CancellationToken cancellation)
    {
        try
        {
            using var lines = LinesOf(item);
            var path = Path.GetFullPath(options.Path);
            if (Path.GetDirectoryName(path) is { } directory)
            {
                Directory.CreateDirectory(directory);
            }

            Rotate(path, lines.Length);
            Append(path, lines);
            return Task.FromResult(SinkReply.Taken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Task.FromResult(new SinkReply(SinkFailReason.File, IsRetryable: exception is not (FileNotFoundException or DirectoryNotFoundException), exception.Message));
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private MemoryStream LinesOf(SinkItem item)
    {
        var lines = new MemoryStream();
        foreach (var signal in (Signal[])[Signal.Traces, Signal.Logs])
        {
            if (traces.Read(item, signal, options.Redact) is { Length: > 0 } request)
            {
                using (var json = new Utf8JsonWriter(lines))
                {
                    OtlpJson.Write(signal, request, json);
                }

                lines.WriteByte((byte)'\n');
            }
        }

        return lines;
    }

    // A case that is larger than a file may be has one of its own.
    private void Rotate(string path, long bytes)
    {
        if (options.FileBytesMax == 0 || new FileInfo(path) is not { Exists: true, Length: > 0 } file || file.Length + bytes <= options.FileBytesMax)
        {
            return;
        }

        File.Move(path, _setAside.NextName());
        _setAside.Prune();
    }

    // In one write, so that who reads along never sees one line in another.
    private void Append(string path, MemoryStream lines)
    {
        using var file = open is null ? new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 0) : open(path);
        var length = file.Length;
        try
        {
            file.Write(lines.GetBuffer(), 0, (int)lines.Length);
        }
        catch (IOException)
        {
            file.SetLength(length); // half a line would spoil the next, too
            throw;
        }
    }
}
