using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.Proxies;

/// <summary>
/// nginx with <c>grpc_pass</c>, one worker. Tuned: no access log, upstream connections kept (it opens one for each
/// request in flight), windows and buffers large enough that a request of 512 spans arrives without waiting.
/// </summary>
internal sealed class Nginx() : ProxyUnderTest("nginx")
{
    private readonly string? _program = Programs.Find("nginx");

    public override string? Missing => _program is null ? "nginx is not installed" : null;

    public override ChildProcess Start(int port, int upstreamPort, string folder)
    {
        var configuration = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(configuration, $$"""
            daemon off;
            worker_processes 1;
            pid {{folder}}/nginx.pid;
            error_log stderr crit;
            events { worker_connections 8192; }
            http {
              access_log off;
              http2_recv_buffer_size 1m;
              client_body_temp_path {{folder}}/nginx-body;
              proxy_temp_path {{folder}}/nginx-proxy;
              fastcgi_temp_path {{folder}}/nginx-fastcgi;
              uwsgi_temp_path {{folder}}/nginx-uwsgi;
              scgi_temp_path {{folder}}/nginx-scgi;
              upstream sink {
                server 127.0.0.1:{{upstreamPort}};
                keepalive 1024;
                keepalive_requests 1000000000;
              }
              server {
                listen 127.0.0.1:{{port}} http2 backlog=1024;
                keepalive_requests 1000000000;
                http2_max_concurrent_streams 1024;
                http2_body_preread_size 1m;
                client_max_body_size 0;
                client_body_buffer_size 1m;
                location / { grpc_pass grpc://sink; }
              }
            }
            """);
        return ChildProcess.Start(_program!, "-c", configuration, "-p", folder, "-e", "stderr");
    }

    public override int WorkingProcess(ChildProcess started) => ProcessCpu.FirstChild(started.Id);
}
