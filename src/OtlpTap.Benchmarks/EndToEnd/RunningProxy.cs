using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>A proxy that listens; or no proxy at all: the sink itself, as the row "direct".</summary>
internal sealed class RunningProxy : IAsyncDisposable
{
    private readonly ProxyUnderTest? _proxy;
    private readonly ChildProcess? _process;

    private RunningProxy(string name, int port, int processId, ProxyUnderTest? proxy, ChildProcess? process)
    {
        Name = name;
        Port = port;
        ProcessId = processId;
        _proxy = proxy;
        _process = process;
    }

    public string Name { get; }

    public int Port { get; }

    /// <summary>The process that is measured.</summary>
    public int ProcessId { get; }

    public static RunningProxy ToSink(SinkProcess sink) => new(ResultTable.Direct, sink.Port, sink.Id, null, null);

    /// <summary>Throws <see cref="InvalidOperationException"/>, with what the program said, when it does not come up.</summary>
    public static async Task<RunningProxy> StartAsync(ProxyUnderTest proxy, int upstreamPort, string folder, CancellationToken cancellation)
    {
        var port = Loopback.FreePort();
        var process = proxy.Start(port, upstreamPort, folder);
        try
        {
            await Loopback.WaitUntilListeningAsync(port, process, cancellation);
            return new RunningProxy(proxy.Name, port, proxy.WorkingProcess(process), proxy, process);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    public bool TagsFailures => _proxy?.TagsFailures ?? false;

    /// <summary>Managed memory allocated since its start, in bytes; null when it does not tell.</summary>
    public Task<double?> AllocatedBytesAsync(CancellationToken cancellation) =>
        _proxy?.AllocatedBytesAsync(cancellation) ?? Task.FromResult<double?>(null);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }
    }
}
