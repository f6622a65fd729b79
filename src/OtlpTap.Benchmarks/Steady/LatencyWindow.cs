namespace OtlpTap.Benchmarks.Steady;

/// <summary>Latencies since it was last asked, in classes that are 2 % apart: an hour of them costs no memory. For any thread.</summary>
internal sealed class LatencyWindow
{
    private const int Classes = 1024;
    private const double ClassesPerDoubling = 35;

    private long[] _counts = new long[Classes];

    public void Add(TimeSpan latency)
    {
        var number = (int)(Math.Log2(Math.Max(1, latency.TotalMicroseconds)) * ClassesPerDoubling);
        Interlocked.Increment(ref Volatile.Read(ref _counts)[Math.Min(number, Classes - 1)]);
    }

    /// <summary>What came since the last time, and begins anew.</summary>
    public LatencyCounts Take() => new(Interlocked.Exchange(ref _counts, new long[Classes]));

    /// <param name="counts">Of each class.</param>
    internal sealed class LatencyCounts(long[] counts)
    {
        /// <summary>Milliseconds that the given share of the latencies does not exceed; NaN for none.</summary>
        public double Milliseconds(double share)
        {
            var left = Math.Ceiling(counts.Sum() * share);
            for (var i = 0; i < counts.Length && left > 0; i++)
            {
                left -= counts[i];
                if (left <= 0)
                {
                    return Math.Pow(2, (i + 1) / ClassesPerDoubling) / 1000;
                }
            }

            return double.NaN;
        }

        public LatencyCounts With(LatencyCounts other)
        {
            var others = other.CountOf;
            return new([.. counts.Select((count, i) => count + others(i))]);
        }

        private long CountOf(int number) => counts[number];
    }
}
