namespace OtlpTap.Health.Windows;

/// <summary>A series's bucket of the moment while something is added to it; at its end it is known by how much the series grew.</summary>
internal readonly ref struct BucketChange
{
    private readonly Series _series;
    private readonly int _before;
    private readonly ref long _grown;

    /// <param name="grown">Plus what the series grows by: for <see cref="SeriesTable.Grown"/>, when all have been changed.</param>
    public BucketChange(Series series, long now, ref long grown)
    {
        Bucket = series.At(now, ref grown);
        _series = series;
        _before = Bucket.Bytes;
        _grown = ref grown;
    }

    public Bucket Bucket { get; }

    public void Dispose()
    {
        var grown = Bucket.Bytes - _before;
        _series.Grown(grown);
        _grown += grown;
    }
}
