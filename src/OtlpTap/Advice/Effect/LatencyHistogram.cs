namespace OtlpTap.Advice.Effect;

/// <summary>Durations by size, eight classes to the doubling from 1 ms to 4 h: a median is right within some 4 %. What was added can be taken out again.</summary>
internal sealed class LatencyHistogram
{
    private const int ClassesPerDoubling = 8;
    private const int Doublings = 24;
    private readonly int[] _counts = new int[ClassesPerDoubling * Doublings];

    public long Count { get; private set; }

    /// <summary>In seconds; the middle of the class that it falls into, by ratio. Null where nothing was counted.</summary>
    public double? Median
    {
        get
        {
            var left = (Count + 1) / 2;
            for (var i = 0; i < _counts.Length && Count > 0; i++)
            {
                left -= _counts[i];
                if (left <= 0)
                {
                    return Math.Pow(2, (i + 0.5) / ClassesPerDoubling) / 1000;
                }
            }

            return null;
        }
    }

    /// <param name="times">1, or -1 to take it out.</param>
    public void Add(double seconds, int times)
    {
        var index = (int)(Math.Log2(Math.Max(seconds * 1000, 1)) * ClassesPerDoubling);
        _counts[Math.Clamp(index, 0, _counts.Length - 1)] += times;
        Count += times;
    }

    public void Add(LatencyHistogram other)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }

        Count += other.Count;
    }
}
