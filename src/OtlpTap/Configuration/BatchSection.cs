namespace OtlpTap.Configuration;

/// <summary><c>processors.batch</c>: its keys are checked and have no effect.</summary>
internal static class BatchSection
{
    private const string Why =
        "the tap joins requests by itself while the upstream is busy, without a delay, and acknowledges only what the upstream has taken";

    public static BatchProcessor Read(string id, Section processors, Section section)
    {
        _ = section.Integer("send_batch_size", 8192, 0, uint.MaxValue);
        _ = section.Integer("send_batch_max_size", 0, 0, uint.MaxValue);
        _ = section.Duration("timeout", TimeSpan.FromMilliseconds(200), TimeSpan.Zero, TimeSpan.FromDays(1));
        _ = section.TextList("metadata_keys");
        _ = section.Integer("metadata_cardinality_limit", 1000, 0, uint.MaxValue);
        section.RefuseUnknownKeys();
        processors.KeyWarning(id, $"has no effect: {Why}");
        return new BatchProcessor(id);
    }
}
