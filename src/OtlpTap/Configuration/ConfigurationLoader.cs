using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using OtlpTap.Forward;
using OtlpTap.Rules;
using OtlpTap.Rules.Packs;

namespace OtlpTap.Configuration;

/// <summary>What loading came to: the options, or at least one error; warnings in either case.</summary>
internal sealed record LoadedConfiguration(TapOptions? Options, ImmutableArray<Problem> Problems)
{
    /// <summary>The files merged and the environment's values put in; null where a file could not be read.</summary>
    public ConfigMap? Merged { get; init; }
}

/// <summary>
/// Files to <see cref="TapOptions"/>: read, merge in the order given, put the environment's values in, read every key,
/// tie pipelines to components, compile the rules. Never throws for bad input; finds everything that is wrong in one go.
/// </summary>
internal sealed class ConfigurationLoader
{
    /// <summary>Far above any configuration; a wrong file name must not cost its size in memory.</summary>
    public const int FileBytesMax = 1 << 20;

    public const string BuiltInName = "otlptap.yaml (built in)";

    // Sections that nobody wrote are as in the built-in default.
    private const string OmittedSections = "receivers: { otlp: { protocols: { grpc: , http: } } }\nprocessors: { tap: }\n";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Func<string, string?> _environment;
    private readonly PackNames _packs;
    private readonly CompileRules _compile;
    private readonly Func<long> _machineBytes;
    private readonly KeyShape? _recorded;

    /// <param name="machineBytes">The memory of the machine or its control group, which percentages are of.</param>
    /// <param name="recorded">Gets every key that is asked for while files are read; null where nobody wants to know.</param>
    public ConfigurationLoader(
        Func<string, string?>? environment = null,
        PackNames? packs = null,
        CompileRules? compile = null,
        Func<long>? machineBytes = null,
        KeyShape? recorded = null)
    {
        _recorded = recorded;
        _machineBytes = machineBytes ?? MachineMemory.TotalBytes;
        _compile = compile ?? CompiledRules.Compile;
        _environment = environment ?? Environment.GetEnvironmentVariable;
        _packs = packs ?? PackNames.Embedded();
    }

    /// <summary>The files merged in the order given; the built-in default when there is none. A name may begin with <c>file:</c>.</summary>
    public LoadedConfiguration Load(IReadOnlyList<string> files)
    {
        if (files.Count == 0)
        {
            return LoadText([(BuiltInName, BuiltInText())]);
        }

        var problems = new ProblemList();
        var names = files.Select(file => file.StartsWith("file:", StringComparison.Ordinal) ? file["file:".Length..] : file).ToList();
        var texts = names.Select(name => (name, ReadText(name, problems))).ToList();
        return Load(texts, problems);
    }

    /// <summary>The same for texts with a name each.</summary>
    public LoadedConfiguration LoadText(IReadOnlyList<(string Name, string Text)> texts) =>
        Load([.. texts.Select(text => (text.Name, (string?)text.Text))], new ProblemList());

    /// <summary>The commented file that is built in.</summary>
    public static string BuiltInText()
    {
        using var stream = typeof(ConfigurationLoader).Assembly.GetManifestResourceStream("otlptap.yaml")!;
        using var reader = new StreamReader(stream, StrictUtf8);
        return reader.ReadToEnd();
    }

    /// <summary>Every key that the readers know, from a run of theirs over nothing.</summary>
    public KeyShape Describe()
    {
        var shape = new KeyShape("").Is(KeyKind.Map);
        var nothing = new ConfigMap(new Mark(BuiltInName, 1, 1), []);
        var ignored = new ProblemList();
        _ = Read(new Section(nothing, "", ignored, shape, isDescribing: true), isOmissionFilled: false, ignored);
        return shape;
    }

    /// <summary>The same with the defaults that hold in a configuration: a bound that is left out may be a <c>memory_limiter</c>'s.</summary>
    public KeyShape Describe(TapOptions inForce)
    {
        var shape = Describe();
        var bound = shape.Find("processors")!.FindType("tap")!.Find("limits")!.Find("in_flight_mib")!;
        bound.Is(bound.Kind, (inForce.Processor.InFlightBytesMax >> 20).ToString(CultureInfo.InvariantCulture), bound.Min, bound.Max);
        return shape;
    }

    /// <summary>A merged configuration with the sections that nobody wrote, as they are then.</summary>
    public static ConfigMap WithOmittedSections(ConfigMap merged, TapOptions inForce)
    {
        var omitted = YamlReader.ReadMap(BuiltInName, OmittedSections, new ProblemList())!;
        return merged with
        {
            Entries =
            [
                .. merged.Entries,
                .. omitted.Entries.Where(entry => merged.Find(entry.Key) is null && (entry.Key != "processors" || inForce.Pipelines.Any(pipeline => pipeline.IsTapped))),
            ],
        };
    }

    private LoadedConfiguration Load(IReadOnlyList<(string Name, string? Text)> texts, ProblemList problems)
    {
        var names = texts.Select(text => text.Name).ToList();
        var root = new ConfigMap(new Mark(names[0], 1, 1), []);
        foreach (var (name, text) in texts)
        {
            if (text is not null && YamlReader.ReadMap(name, text, problems) is { } map)
            {
                root = root.With(map);
            }
        }

        // After a file that could not be read, what is missing would be reported as wrong.
        if (problems.HasErrors && names.Count > 1)
        {
            return new LoadedConfiguration(null, problems.InOrderOf(names));
        }

        var merged = new EnvironmentSubstitution(_environment, problems).Apply(root);
        var options = Read(new Section(merged, "", problems, _recorded), isOmissionFilled: true, problems);
        return new LoadedConfiguration(problems.HasErrors ? null : options, problems.InOrderOf(names)) { Merged = merged };
    }

    /// <summary>
    /// The packs' rules with the operator's laid over them. Each of the operator's was compiled alone before, where its
    /// problems could be shown at their place; what is left to find is what rules cannot be together. Null then, and reported.
    /// </summary>
    private CompiledRules? InForce(TapProcessorOptions tap, Section processors)
    {
        var found = new List<RuleProblem>();
        var rules = RulePacks.Load(tap.Packs, found) is { } packRules ? _compile(RulePacks.Override(packRules, tap.Rules), found) : null;
        foreach (var problem in found)
        {
            processors.Problems.Error(processors.Mark, "processors.tap.rules", $"{problem.Source}: {problem.Message}");
        }

        return rules;
    }

    // Extensions come first: whatever names one looks whether it is defined and started.
    private TapOptions? Read(Section root, bool isOmissionFilled, ProblemList problems)
    {
        var omitted = new Section(YamlReader.ReadMap(BuiltInName, OmittedSections, problems)!, "", problems);
        var ruleTexts = new RuleTexts(_compile);
        var hasReceivers = root.Has("receivers") || !isOmissionFilled;
        var hasProcessors = root.Has("processors") || !isOmissionFilled;
        var extensionsSection = root.Map("extensions");
        var receiversSection = (hasReceivers ? root : omitted).Map("receivers");
        var processorsSection = (hasProcessors ? root : omitted).Map("processors");
        var exportersSection = root.Map("exporters");
        var serviceSection = root.Map("service");
        var connectors = root.RefusedMap("connectors");
        root.RefuseUnknownKeys();

        var extensions = new Extensions(ExtensionSection.Read(extensionsSection));
        var healthCheck = ServiceSection.StartExtensions(serviceSection, extensions);
        var receivers = ReceiverSection.Read(receiversSection, extensions);
        var processors = ProcessorSection.Read(processorsSection, _packs, ruleTexts, _machineBytes);
        var exporters = ExporterSection.Read(exportersSection, extensions);
        RefuseConnectors(connectors, receivers, exporters);
        var service = ServiceSection.Read(serviceSection, extensions, healthCheck);
        var pipelines = new PipelineSection(receivers, processors, exporters).Read(serviceSection);
        serviceSection.RefuseUnknownKeys();

        if (hasReceivers)
        {
            receivers.WarnOfUnused(receiversSection, "no pipeline uses this receiver");
        }

        if (hasProcessors)
        {
            processors.WarnOfUnused(processorsSection, "no pipeline uses this processor", processor => processor is BatchProcessor);
        }

        exporters.WarnOfUnused(exportersSection, "no pipeline uses this exporter");
        extensions.Components.WarnOfUnused(extensionsSection, "has no effect: `service.extensions` does not name it", extension => extension is UnservedExtension);
        var healthCheckSection = extensions.Components.Used.FirstOrDefault(extension => extension.Options == healthCheck).Section;
        var options = Check.Whole(receivers, processors, exporters, pipelines, service, serviceSection, healthCheckSection);
        return options is not null && !problems.HasErrors && InForce(options.Processor, processorsSection) is { } rules
            ? options with { Rules = rules }
            : null;
    }

    // Pipelines name connectors as exporters and as receivers: there they are not told to be undefined.
    private static void RefuseConnectors(Section connectors, Components<ReceiverOptions> receivers, Components<ExporterOptions> exporters)
    {
        foreach (var (id, type, section) in connectors.Components())
        {
            if (type.Length > 0)
            {
                connectors.KeyError(id, CollectorComponents.Connector(type));
            }

            receivers.Add(id, section, null);
            exporters.Add(id, section, null);
        }
    }

    private static string? ReadText(string file, ProblemList problems)
    {
        var start = new Mark(file, 1, 1);
        if (Directory.Exists(file))
        {
            problems.Error(start, "", "cannot be read: it is a directory");
            return null;
        }

        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[FileBytesMax + 1];
            var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > FileBytesMax)
            {
                problems.Error(start, "", $"larger than {FileBytesMax >> 20} MiB: no configuration file");
                return null;
            }

            return StrictUtf8.GetString(bytes.AsSpan(0, length)).TrimStart('\uFEFF');
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            problems.Error(start, "", $"cannot be read: there is no file {Path.GetFullPath(file)}");
        }
        catch (DecoderFallbackException)
        {
            problems.Error(start, "", "not UTF-8 text: no configuration file");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            problems.Error(start, "", $"cannot be read: {unreadable.Message}");
        }

        return null;
    }
}
