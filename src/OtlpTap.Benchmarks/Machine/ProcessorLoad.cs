namespace OtlpTap.Benchmarks.Machine;

/// <summary>
/// How much of the machine others used meanwhile. A shared machine is the main source of error: a run with strangers on
/// it is repeated.
/// </summary>
internal sealed class ProcessorLoad
{
    private readonly double _machine = ProcessCpu.MachineNanoseconds();
    private readonly double _endedChildren = ProcessCpu.EndedChildrenNanoseconds();
    private readonly (int Process, ProcessCpu Cpu)[] _ours;
    private readonly long _started = TimeProvider.System.GetTimestamp();

    /// <param name="processes">Those that belong to the measurement and live through it; a child that ends inside it (the load generator) counts by itself.</param>
    public ProcessorLoad(params IEnumerable<int> processes) =>
        _ours = [.. processes.Append(Environment.ProcessId).Distinct().Select(p => (p, ProcessCpu.Read(p)))];

    /// <summary>Processors kept busy by foreign processes since then.</summary>
    public double ForeignCores()
    {
        var foreign = ProcessCpu.MachineNanoseconds() - _machine - (ProcessCpu.EndedChildrenNanoseconds() - _endedChildren);
        foreach (var (process, cpu) in _ours)
        {
            foreign -= ProcessCpu.Read(process).NanosecondsSince(cpu);
        }

        return Math.Max(0, foreign / TimeProvider.System.GetElapsedTime(_started).TotalNanoseconds);
    }
}
