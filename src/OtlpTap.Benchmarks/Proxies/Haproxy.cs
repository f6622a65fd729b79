using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.Proxies;

/// <summary>
/// haproxy, one thread, HTTP/2 on both sides.
/// Tuned: no log, a stream window that holds a whole request of 512 spans, and buffers four times the usual, which halves
/// its processor time for requests of 50 spans and more.
/// </summary>
internal sealed class Haproxy() : ProxyUnderTest("haproxy")
{
    private readonly string? _program = Programs.Find("haproxy");

    public override string? Missing => _program is null ? "haproxy is not installed" : null;

    public override ChildProcess Start(int port, int upstreamPort, string folder)
    {
        var configuration = Path.Combine(folder, "haproxy.cfg");
        File.WriteAllText(configuration, $"""
            global
              nbthread 1
              maxconn 4096
              tune.bufsize 65536
              tune.h2.max-concurrent-streams 1024
              tune.h2.initial-window-size 1048576
            defaults
              mode http
              timeout connect 5s
              timeout client 60s
              timeout server 60s
            frontend agents
              bind 127.0.0.1:{port} proto h2
              default_backend sink
            backend sink
              server sink 127.0.0.1:{upstreamPort} proto h2

            """);
        return ChildProcess.Start(_program!, "-db", "-f", configuration);
    }
}
