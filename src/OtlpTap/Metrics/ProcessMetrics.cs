using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>
/// The process under the Collector's names (service/metadata.yaml of
/// https://github.com/open-telemetry/opentelemetry-collector, with the suffixes of Prometheus: the unit where the name
/// does not end in it, <c>_total</c> for what only grows). Read at each scrape. What Go's runtime calls memory from the
/// system is what the managed heap has committed.
/// </summary>
internal sealed class ProcessMetrics
{
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly Counter _uptime;
    private readonly Counter _cpu;
    private readonly Gauge _resident;
    private readonly Gauge _heap;
    private readonly Counter _allocated;
    private readonly Gauge _system;

    public ProcessMetrics(IMetricFactory factory, TimeProvider time)
    {
        _time = time;
        _started = time.GetTimestamp();
        _uptime = factory.CreateCounter("otelcol_process_uptime_seconds_total", "Uptime of the process");
        _cpu = factory.CreateCounter("otelcol_process_cpu_seconds_total", "Total CPU user and system time in seconds");
        _resident = factory.CreateGauge("otelcol_process_memory_rss_bytes", "Total physical memory (resident set size)");
        _heap = factory.CreateGauge("otelcol_process_runtime_heap_alloc_bytes", "Bytes of allocated heap objects");
        _allocated = factory.CreateCounter("otelcol_process_runtime_total_alloc_bytes_total", "Cumulative bytes allocated for heap objects");
        _system = factory.CreateGauge("otelcol_process_runtime_total_sys_memory_bytes", "Total bytes of memory obtained from the OS");
    }

    public void Sample()
    {
        _uptime.IncTo(_time.GetElapsedTime(_started).TotalSeconds);
        _cpu.IncTo(Environment.CpuUsage.TotalTime.TotalSeconds);
        _resident.Set(Environment.WorkingSet);
        _heap.Set(GC.GetTotalMemory(forceFullCollection: false));
        _allocated.IncTo(GC.GetTotalAllocatedBytes());
        _system.Set(GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes);
    }
}
