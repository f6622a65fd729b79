using BenchmarkDotNet.Running;
using OtlpTap.Benchmarks.Sink;

namespace OtlpTap.Benchmarks;

internal static class Program
{
    private static int Main(string[] args) => args[0] == "sink" ? SinkServer.Run(int.Parse(args[1])) : 1;
}
