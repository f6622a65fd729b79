using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>
/// The runtime's own figures, read at each scrape and not by an event listener: that would keep the runtime tracing
/// between scrapes. What the process uses (CPU, memory, handles) and collections by generation come from prometheus-net.
/// </summary>
internal sealed class RuntimeMetrics
{
    // In the order in which the runtime tells them: large objects and pinned ones are generations of their own.
    private static readonly string[] Generations = ["0", "1", "2", "loh", "poh"];

    private readonly Gauge _residentBytes;
    private readonly Gauge.Child[] _heapBytes;
    private readonly Gauge _committedBytes;
    private readonly Counter _pauseSeconds;
    private readonly Counter _allocatedBytes;
    private readonly Gauge _threads;
    private readonly Gauge _queueItems;
    private readonly Counter _completedItems;
    private readonly Counter _lockContentions;

    public RuntimeMetrics(IMetricFactory factory, string version)
    {
        factory.CreateGauge("otlptap_build_info", "Always 1; the labels say what runs.", ["version", "dotnet"])
            .WithLabels(version, Environment.Version.ToString())
            .Set(1);

        // The name that Prometheus' own client libraries give it, which dashboards ask for.
        _residentBytes = factory.CreateGauge("process_resident_memory_bytes", "Resident memory size in bytes.");
        var heap = factory.CreateGauge("dotnet_gc_heap_bytes", "Size of the managed heap after the last collection, by generation.", ["generation"]);
        _heapBytes = [.. Generations.Select(generation => heap.WithLabels(generation))];
        _committedBytes = factory.CreateGauge("dotnet_gc_committed_bytes", "Memory that the managed heap has from the system, after the last collection.");
        _pauseSeconds = factory.CreateCounter("dotnet_gc_pause_seconds_total", "Time for which collections stopped all threads.");
        _allocatedBytes = factory.CreateCounter("dotnet_gc_allocated_bytes_total", "Bytes allocated on the managed heap.");
        _threads = factory.CreateGauge("dotnet_threadpool_threads", "Threads of the thread pool.");
        _queueItems = factory.CreateGauge("dotnet_threadpool_queue_items", "Work items that wait for a thread.");
        _completedItems = factory.CreateCounter("dotnet_threadpool_completed_items_total", "Work items that the thread pool has run.");
        _lockContentions = factory.CreateCounter("dotnet_lock_contentions_total", "Times that a thread had to wait for a lock.");
    }

    public void Sample()
    {
        var memory = GC.GetGCMemoryInfo(GCKind.Any);
        var generations = memory.GenerationInfo;
        for (var i = 0; i < Math.Min(_heapBytes.Length, generations.Length); i++)
        {
            _heapBytes[i].Set(generations[i].SizeAfterBytes);
        }

        _residentBytes.Set(Environment.WorkingSet);
        _committedBytes.Set(memory.TotalCommittedBytes);
        _pauseSeconds.IncTo(GC.GetTotalPauseDuration().TotalSeconds);
        _allocatedBytes.IncTo(GC.GetTotalAllocatedBytes());
        _threads.Set(ThreadPool.ThreadCount);
        _queueItems.Set(ThreadPool.PendingWorkItemCount);
        _completedItems.IncTo(ThreadPool.CompletedWorkItemCount);
        _lockContentions.IncTo(Monitor.LockContentionCount);
    }
}
