using System.Text.Json;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Sinks;

/// <summary>Appends the case's trace, and then its logs, as lines of OTLP/JSON, which the Collector's file receiver reads.</summary>
internal sealed class FileSink(SinkOptions options, CaseTraces traces) : ICaseSink
{
    public Task<SinkReply> SendAsync(SinkItem item, CancellationToken cancellation)
    {
        try
        {
            var directory = Path.GetDirectoryName(Path.GetFullPath(options.Path));
            if (directory is not null)
            {
                Directory.CreateDirectory(directory);
            }

            using var line = new MemoryStream();
            foreach (var signal in (Signal[])[Signal.Traces, Signal.Logs])
            {
                if (traces.Read(item, signal, options.Redact) is { Length: > 0 } request)
                {
                    using (var json = new Utf8JsonWriter(line))
                    {
                        OtlpJson.Write(signal, request, json);
                    }

                    line.WriteByte((byte)'\n');
                }
            }

            // In one write, so that who reads along never sees one line in another.
            using var file = new FileStream(options.Path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
            var length = file.Length;
            try
            {
                file.Write(line.GetBuffer(), 0, (int)line.Length);
            }
            catch (IOException)
            {
                file.SetLength(length); // half a line would spoil the next, too
                throw;
            }

            return Task.FromResult(SinkReply.Taken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Task.FromResult(new SinkReply(SinkFailReason.File, IsRetryable: exception is not (FileNotFoundException or DirectoryNotFoundException), exception.Message));
        }
    }

    public void Dispose()
    {
    }
}
