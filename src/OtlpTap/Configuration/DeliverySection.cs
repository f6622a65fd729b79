using OtlpTap.Forward;

namespace OtlpTap.Configuration;

/// <summary>What stands between a request and an exporter: <c>retry_on_failure</c>, <c>sending_queue</c>, <c>on_upstream_failure</c> and <c>spool</c>.</summary>
internal static class DeliverySection
{
    private const string Directory = "directory";

    /// <summary>The exporter with what is written of them.</summary>
    public static T Read<T>(T exporter, Section section)
        where T : ExporterOptions
    {
        var retry = section.OptionalMap("retry_on_failure");
        var isRetried = false;
        var retryOptions = retry is null ? null : ReadRetry(retry, out isRetried);
        return exporter with
        {
            Retry = isRetried ? retryOptions : null,
            IsRetryRefused = retry is not null && !isRetried,
            Queue = section.OptionalMap("sending_queue") is { } queue ? ReadQueue(queue) : new QueueOptions(),
        };
    }

    /// <summary>Null for <c>on_upstream_failure: reject</c>.</summary>
    public static SpoolOptions? ReadSpool(string id, Section section)
    {
        var isSpooled = section.Choice("on_upstream_failure", byDefault: false, [("reject", false), ("spool", true)]);
        var spool = section.OptionalMap("spool");
        var defaults = new SpoolOptions { Directory = $"./otlptap-data/spool/{id.Replace('/', '_')}" };
        var options = spool is null ? defaults : ReadSpool(spool, defaults);
        if (spool is not null && !isSpooled)
        {
            section.KeyWarning("spool", "has no effect without `on_upstream_failure: spool`");
        }

        return isSpooled ? options : null;
    }

    /// <summary>For exporters that have no upstream which could be down.</summary>
    public static void RefuseSpool(Section section) =>
        section.Refuse(["on_upstream_failure", "spool"], "is for exporters with an upstream that can be down, `otlp_grpc` and `otlp_http`: remove it");

    private static SpoolOptions ReadSpool(Section spool, SpoolOptions defaults)
    {
        var options = new SpoolOptions
        {
            Directory = spool.Text(Directory) is { Length: > 0 } directory ? directory : defaults.Directory,
            BytesMax = spool.Mebibytes("max_size_mib", defaults.BytesMax, 16, 1_048_576),
            AgeMax = spool.Duration("max_age", defaults.AgeMax, TimeSpan.FromMinutes(1), TimeSpan.FromDays(30)),
            SegmentBytes = (int)spool.Mebibytes("segment_size_mib", defaults.SegmentBytes, 1, 1024),
        };
        if (options.Directory.Contains('\0', StringComparison.Ordinal))
        {
            spool.Error(Directory, "no name of a directory");
        }

        if (options.SegmentBytes > options.BytesMax)
        {
            spool.Error("segment_size_mib", "a segment is larger than the whole spool: `max_size_mib`");
        }

        spool.RefuseUnknownKeys();
        return options;
    }

    private static RetryOptions ReadRetry(Section retry, out bool isEnabled)
    {
        var defaults = new RetryOptions();
        isEnabled = retry.Flag("enabled", byDefault: true);
        var options = new RetryOptions
        {
            InitialInterval = retry.Duration("initial_interval", defaults.InitialInterval, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1)),
            IntervalMax = retry.Duration("max_interval", defaults.IntervalMax, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(24)),
            ElapsedMax = retry.Duration("max_elapsed_time", defaults.ElapsedMax, TimeSpan.Zero, TimeSpan.FromDays(365)),
            Multiplier = retry.Real("multiplier", defaults.Multiplier, 1, 100),
            RandomizationFactor = retry.Real("randomization_factor", defaults.RandomizationFactor, 0, 1),
        };
        if (options.IntervalMax < options.InitialInterval)
        {
            retry.Error(retry.Has("max_interval") ? "max_interval" : "initial_interval", "`max_interval` is shorter than `initial_interval`");
        }

        retry.RefuseUnknownKeys();
        return options;
    }

    private static QueueOptions ReadQueue(Section queue)
    {
        var defaults = new QueueOptions();

        // What these mean depends on the exporter's place in a pipeline: PipelineCheck looks at them.
        _ = queue.Flag("enabled", byDefault: true);
        _ = queue.Flag("wait_for_result", byDefault: false);
        _ = queue.Flag("block_on_overflow", byDefault: false);
        var options = new QueueOptions
        {
            Consumers = queue.Number("num_consumers", defaults.Consumers, 1, 1024),
            Size = queue.Integer("queue_size", defaults.Size, 1, 1L << 40) ?? defaults.Size,
            Sizer = queue.Choice("sizer", defaults.Sizer, [("requests", QueueSizer.Requests), ("items", QueueSizer.Items), ("bytes", QueueSizer.Bytes)]),
            BytesMax = queue.Mebibytes("max_size_mib", defaults.BytesMax, 1, 65_536),
        };
        if (queue.Text("storage") is { Length: > 0 })
        {
            queue.Error("storage", "the tap puts nothing into a storage extension: remove it, and set `on_upstream_failure: spool` on the exporter, which keeps on disk what the upstream does not take");
        }

        queue.Ignore(["batch"], "small requests are joined by themselves while the upstream is busy");
        queue.RefuseUnknownKeys();
        return options;
    }
}
