using System.Threading.Channels;
using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Files;

/// <summary>
/// <c>exporters.file</c>: requests of any signal in one file, in the Collector's format (<see cref="FileFormat"/>). One
/// loop writes; what comes while it does is written together next. The reply is OK only when the system has the bytes;
/// when it does not take them (a full disk) the sender is told to come again, and nothing of the request stays in the file.
/// <para>What waits to be written is bounded by the credit it holds, a queue's or that of what is in flight.</para>
/// </summary>
internal sealed class FileExporter : IExporter
{
    /// <summary>At this size a group is written; more at once gains nothing.</summary>
    private const int GroupBytesMax = 1 << 20;

    /// <summary>A disk on which this little is left is full.</summary>
    private const long FreeBytesMin = 1 << 20;

    /// <summary>A file system that hangs must not keep the tap from ending.</summary>
    private static readonly TimeSpan EndWait = TimeSpan.FromSeconds(2);

    private readonly FileExporterOptions _options;
    private readonly ExporterMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<FileRequest> _requests = Channel.CreateUnbounded<FileRequest>(new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = false });
    private readonly Task _writing;
    private volatile bool _isWritable;

    // The loop's own.
    private readonly FileFormat _format;
    private readonly ExportFile _file;
    private readonly GrowingBuffer _buffer = new();
    private readonly List<FileRequest> _group = [];
    private FileRequest? _adding;
    private bool _hasFailed;

    /// <param name="predecessor">
    /// Ends when the exporter that wrote the same file before a reload has closed it: this one goes on behind it. Null
    /// where there was none.
    /// </param>
    public FileExporter(
        FileExporterOptions options,
        ExporterMetrics metrics,
        TimeProvider time,
        ILogger<FileExporter> log,
        Task? predecessor = null,
        Func<string, FileMode, Stream>? open = null)
    {
        _options = options;
        _metrics = metrics;
        _time = time;
        _log = log;
        _format = new FileFormat(options.IsProto, options.IsZstd);
        _file = new ExportFile(options, _format.IsLines, predecessor is not null, time, log, open ?? ExportFile.OpenStream);
        _isWritable = predecessor is not null; // it was a moment ago
        _writing = Task.Run(() => WriteAllAsync(predecessor ?? Task.CompletedTask));
    }

    public string Id => _options.Id;

    /// <summary>Whether the file was open, or written, when it was last tried.</summary>
    public bool IsReachable => _isWritable;

    public Outstanding Outstanding { get; } = new();

    public Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation)
    {
        var request = new FileRequest(signal, payload, cancellation);
        Outstanding.Enter(signal);
        if (!_requests.Writer.TryWrite(request))
        {
            End(request, Unavailable("not written, the tap is stopping"));
        }

        return request.Task.WaitAsync(cancellation);
    }

    /// <summary>After a failure, what the disk has left is the best that can be known without writing.</summary>
    public ValueTask<bool> ProbeAsync(CancellationToken cancellation)
    {
        if (!_isWritable && Directory.Exists(DirectoryName) && new DriveInfo(DirectoryName).AvailableFreeSpace >= FreeBytesMin)
        {
            _isWritable = true;
        }

        return ValueTask.FromResult(_isWritable);
    }

    public Task DrainAsync(CancellationToken deadline) => Outstanding.DrainAsync(deadline);

    /// <summary>Writes what waits and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _requests.Writer.TryComplete();
        try
        {
            await _writing.WaitAsync(EndWait, _time);
        }
        catch (TimeoutException)
        {
            _log.LeftBehind(Id, Outstanding.Count);
        }
    }

    private string DirectoryName => Path.GetDirectoryName(Path.GetFullPath(_options.Path))!;

    private async Task WriteAllAsync(Task predecessor)
    {
        await predecessor;
        TryOpen();
        while (await _requests.Reader.WaitToReadAsync())
        {
            try
            {
                WriteGroup();
            }
            catch (Exception e) // The edge of the loop: a mistake with one request must not stop the file.
            {
                _log.WriteFaulted(Id, e);
                GiveUpGroup(e);
            }
        }

        _file.Dispose();
        _format.Dispose();
    }

    // At once, so that a wrong path is told at the start and not with the first request.
    private void TryOpen()
    {
        try
        {
            _file.Open();
            _isWritable = true;
        }
        catch (Exception e) when (IsRefusal(e))
        {
            Failed(e);
        }
    }

    private void WriteGroup()
    {
        while (_buffer.Length < GroupBytesMax && _requests.Reader.TryRead(out var request))
        {
            _adding = request;
            Add(request);
            _adding = null;
        }

        Commit(_buffer.Length);
        _buffer.Clear();
    }

    private void GiveUpGroup(Exception cause)
    {
        var reply = Unavailable($"cannot write {_options.Path}: {cause.GetType().Name}");
        if (_adding is not null)
        {
            End(_adding, reply);
            _adding = null;
        }

        foreach (var request in _group)
        {
            End(request, reply);
        }

        _group.Clear();
        _buffer.Clear();
    }

    private void Add(FileRequest request)
    {
        if (request.HasLeft)
        {
            End(request, Unavailable("not written, the sender has left"));
            return;
        }

        var start = _buffer.Length;
        if (!_format.TryWrite(request.Signal, request.Payload.Span, _buffer))
        {
            End(request, new ExportReply(StatusCode.InvalidArgument, $"exporter {Id}: values nested deeper than {OtlpJson.AnyValueDepthMax} levels cannot be written as JSON", default, []));
            return;
        }

        if (_file.IsFullFor(_buffer.Length))
        {
            Commit(start);
            _buffer.RemoveFirst(start);
            if (_file.IsFullFor(_buffer.Length) && !TryRotate(request))
            {
                _buffer.Clear();
                return;
            }
        }

        _group.Add(request);
    }

    /// <summary>Writes the first bytes of the buffer, which are the group's, and tells its senders.</summary>
    private void Commit(int length)
    {
        if (_group.Count == 0)
        {
            return;
        }

        ExportReply reply;
        try
        {
            _file.Write(_buffer.Span[..length]);
            Recovered();
            reply = ExportReply.Accepted;
        }
        catch (Exception e) when (IsRefusal(e))
        {
            Failed(e);
            reply = Unavailable($"cannot write {_options.Path}: {e.Message}");
        }

        foreach (var request in _group)
        {
            End(request, reply);
        }

        _group.Clear();
    }

    private bool TryRotate(FileRequest request)
    {
        try
        {
            _file.Rotate();
            return true;
        }
        catch (Exception e) when (IsRefusal(e))
        {
            Failed(e);
            End(request, Unavailable($"cannot begin the next file after {_options.Path}: {e.Message}"));
            return false;
        }
    }

    private void End(FileRequest request, ExportReply reply)
    {
        // Whoever was told already keeps the first word.
        if (request.TrySetResult(reply))
        {
            if (reply.Status == StatusCode.OK)
            {
                _metrics.Accepted(request.Signal, request.Items, reply);
            }

            request.EndBytes();
            Outstanding.Exit(request.Signal);
        }
    }

    // The first of a row of failures is told, not each.
    private void Failed(Exception cause)
    {
        _isWritable = false;
        if (!_hasFailed)
        {
            _hasFailed = true;
            _log.FileFailed(Id, _options.Path, cause.Message.TrimEnd('.'));
        }
    }

    private void Recovered()
    {
        _isWritable = true;
        if (_hasFailed)
        {
            _hasFailed = false;
            _log.FileRecovered(Id, _options.Path);
        }
    }

    private ExportReply Unavailable(string cause)
    {
        var message = $"exporter {Id}: {cause}";
        return new ExportReply(
            StatusCode.Unavailable, message, default, [StatusDetails.Trailer(StatusDetails.RetryInfo(StatusCode.Unavailable, message, Refusals.RetryDelay))]);
    }

    private static bool IsRefusal(Exception exception) => exception is IOException or UnauthorizedAccessException;
}
