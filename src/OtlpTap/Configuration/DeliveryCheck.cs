using System.Collections.Immutable;
using OtlpTap.Forward;

namespace OtlpTap.Configuration;

/// <summary>What a queue means depends on whether an exporter's answer is the sender's: then nothing is acknowledged from memory.</summary>
internal static class DeliveryCheck
{
    private const string Queue = "sending_queue";

    public static void Report(IReadOnlyList<(string Id, Section Section, ExporterOptions Options)> exporters, ImmutableArray<PipelineOptions> pipelines)
    {
        foreach (var (id, section, _) in exporters)
        {
            if (section.Value(Queue) is null)
            {
                continue;
            }

            var queue = section.Map(Queue);
            var isEnabled = queue.Flag("enabled", byDefault: true);
            var isWaiting = queue.Flag("wait_for_result", byDefault: false);
            if (pipelines.Any(pipeline => pipeline.Primary?.Id == id) && isEnabled && !isWaiting)
            {
                section.KeyWarning(Queue, "works as with `wait_for_result: true`: this exporter's answer is the senders', who wait for it; nothing is acknowledged from memory and then lost");
            }

            if (pipelines.Any(pipeline => pipeline.Others.Any(other => other.Id == id)))
            {
                WarnOfAnother(section, queue, isEnabled, isWaiting);
            }
        }
    }

    private static void WarnOfAnother(Section section, Section queue, bool isEnabled, bool isWaiting)
    {
        if (!isEnabled)
        {
            section.KeyWarning(Queue, "an exporter beside the primary has a queue all the same: it must not hold the senders");
        }

        if (isWaiting)
        {
            queue.KeyWarning("wait_for_result", "has no effect on an exporter beside the primary: senders wait for the primary alone");
        }

        if (queue.Flag("block_on_overflow", byDefault: false))
        {
            queue.KeyWarning("block_on_overflow", "has no effect: what does not fit into the queue is dropped and counted, and senders do not wait for it");
        }
    }
}
