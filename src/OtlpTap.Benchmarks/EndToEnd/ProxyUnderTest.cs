using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>Something that may stand between an agent and its backend: how it is configured and started.</summary>
internal abstract class ProxyUnderTest(string name)
{
    public string Name => name;

    /// <summary>Why it cannot run on this machine, or null when it can.</summary>
    public virtual string? Missing => null;

    /// <param name="port">Where it has to listen, cleartext HTTP/2.</param>
    /// <param name="upstreamPort">Where it has to forward to.</param>
    /// <param name="folder">For its configuration and all it writes.</param>
    public abstract ChildProcess Start(int port, int upstreamPort, string folder);

    /// <summary>The process whose processor time and memory count.</summary>
    public virtual int WorkingProcess(ChildProcess started) => started.Id;

    /// <summary>Whether it adds to the spans that failed. If so, it is measured only when it does.</summary>
    public virtual bool TagsFailures => false;

    /// <summary>Managed memory allocated since its start, in bytes; null when it does not tell.</summary>
    public virtual Task<double?> AllocatedBytesAsync(CancellationToken cancellation) => Task.FromResult<double?>(null);
}
