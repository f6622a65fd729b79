using OtlpTap.Forward;

namespace OtlpTap.Configuration;

/// <summary><c>exporters.debug</c>.</summary>
internal static class DebugExporterSection
{
    public static DebugExporterOptions Read(string id, Section section)
    {
        var defaults = new DebugExporterOptions(id);
        var options = new DebugExporterOptions(id)
        {
            Verbosity = section.Choice("verbosity", defaults.Verbosity, [("basic", DebugVerbosity.Basic), ("normal", DebugVerbosity.Normal), ("detailed", DebugVerbosity.Detailed)]),
            SamplingInitial = section.Number("sampling_initial", defaults.SamplingInitial, 0, 1_000_000),
            SamplingThereafter = section.Number("sampling_thereafter", defaults.SamplingThereafter, 0, 1_000_000),
        };
        section.Ignore(["use_internal_logger", "output_paths"], "it writes to standard output");
        section.Refuse(["loglevel"], "it is called `verbosity` now: `basic`, `normal` or `detailed`");
        DeliverySection.RefuseSpool(section);
        var exporter = DeliverySection.Read(options, section);
        section.RefuseUnknownKeys();
        return exporter;
    }
}
