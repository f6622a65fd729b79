using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Xml.Linq;
using OtlpTap.Otlp;
using OtlpTap.Tests.Documentation;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Client;

/// <summary>What whoever adds the package to a program gets.</summary>
public sealed class ClientPackageTests(PackedClient packed) : IClassFixture<PackedClient>
{
    private static readonly string[] Frameworks = ["net10.0", "net8.0"];

    [Fact]
    public void It_has_a_readme_and_for_each_framework_the_library_its_documentation_and_its_symbols()
    {
        using var package = packed.Open();
        Assert.Equal(
            ["OtlpTap.Client.nuspec", "README.md", .. Frameworks.SelectMany(framework => new[] { $"lib/{framework}/OtlpTap.Client.dll", $"lib/{framework}/OtlpTap.Client.xml" })],
            package.Entries.Select(entry => entry.FullName).Where(name => !IsOfTheContainer(name)).Order(StringComparer.Ordinal));
        using var symbols = ZipFile.OpenRead(packed.Symbols);
        Assert.Equal(Frameworks.Select(framework => $"lib/{framework}/OtlpTap.Client.pdb"), symbols.Entries.Select(entry => entry.FullName).Where(name => name.EndsWith(".pdb", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        foreach (var framework in Frameworks)
        {
            Assert.Contains("T:OtlpTap.Client.TapClient", Encoding.UTF8.GetString(Bytes(package, $"lib/{framework}/OtlpTap.Client.xml")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void It_says_what_it_is_depends_on_nothing_and_names_no_repository()
    {
        using var package = packed.Open();
        var metadata = XDocument.Load(new MemoryStream(Bytes(package, "OtlpTap.Client.nuspec"))).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
        string? Text(string name) => metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value;

        Assert.Equal(("OtlpTap.Client", packed.Version, "OtlpTap", "README.md"), (Text("id"), Text("version"), Text("authors"), Text("readme")));
        Assert.NotEqual("", Text("description"));
        Assert.Equal(Frameworks, metadata.Descendants().Where(element => element.Name.LocalName == "group").Select(group => group.Attribute("targetFramework")!.Value));
        Assert.DoesNotContain(metadata.Descendants(), element => element.Name.LocalName is "dependency" or "repository" or "projectUrl");
        Assert.Equal(File.Exists(Markdown.InRepository("LICENSE")) ? "LICENSE" : null, Text("license"));
    }

    [Fact]
    public void Its_libraries_need_the_framework_alone_and_know_nothing_of_the_machine_that_built_them()
    {
        using var package = packed.Open();
        foreach (var framework in Frameworks)
        {
            var library = Bytes(package, $"lib/{framework}/OtlpTap.Client.dll");
            using var reader = new PEReader(new MemoryStream(library));
            var metadata = reader.GetMetadataReader();
            Assert.All(metadata.AssemblyReferences, handle => Assert.StartsWith("System.", metadata.GetString(metadata.GetAssemblyReference(handle).Name), StringComparison.Ordinal));
            Assert.DoesNotContain(Markdown.InRepository(""), Encoding.UTF8.GetString(library), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Its_readme_shows_what_the_page_shows_without_links_that_lead_nowhere()
    {
        using var package = packed.Open();
        var readme = Encoding.UTF8.GetString(Bytes(package, "README.md"));

        Assert.Equal(Markdown.Read("docs/client.md").Blocks("csharp"), Markdown.Read("src/OtlpTap.Client/README.md").Blocks("csharp"));
        Assert.Equal(File.ReadAllText(Markdown.InRepository("src/OtlpTap.Client/README.md")), readme);
        Assert.DoesNotContain("](", readme, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_elsewhere_that_adds_it_is_advised_takes_a_fallback_and_sends_feedback()
    {
        await using var tap = await RunningTap.StartAsync(tap: "advice: { interval: 100ms, fallbacks: { tools: { search: search_backup } } }");
        for (var trace = 1; trace <= 6; trace++)
        {
            await tap.ExportAsync(Signal.Traces, new TraceBuilder().Trace((byte)trace).Resource("shop")
                .Span("execute_tool search", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "search")).Failed("no connection").ToBytes());
        }

        await WriteProgramAsync();
        await packed.DotnetAsync("build", "program", "--output", "built", "--verbosity", "quiet");
        var printed = await packed.DotnetAsync("built/program.dll", $"http://{tap.Host.AdminEndpoint}", $"http://{tap.Host.HttpEndpoint}");

        Assert.Equal(["search_backup", "otlptap.fallback reroute tool-failing:shop/search", "mine"], printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        await Deadline.UntilAsync(async () => await tap.MetricAsync("otlptap_feedback_total{service=\"shop\",agent=\"\",value=\"positive\"}") == 1, "the feedback counts");
    }

    /// <summary>Restored from the package's folder alone, into a cache of its own: the version of another build may lie in the user's.</summary>
    private async Task WriteProgramAsync()
    {
        var program = System.IO.Directory.CreateDirectory(Path.Combine(packed.Directory, "program")).FullName;
        await File.WriteAllTextAsync(Path.Combine(program, "nuget.config"), """<configuration><config><add key="globalPackagesFolder" value="cache" /></config><packageSources><clear /><add key="local" value=".." /></packageSources></configuration>""", Deadline.Token());
        await File.WriteAllTextAsync(
            Path.Combine(program, "program.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable><TreatWarningsAsErrors>true</TreatWarningsAsErrors></PropertyGroup>
              <ItemGroup><PackageReference Include="OtlpTap.Client" Version="[{packed.Version}]" /></ItemGroup>
            </Project>
            """,
            Deadline.Token());
        await File.WriteAllTextAsync(
            Path.Combine(program, "Program.cs"),
            """
            using System.Diagnostics;
            using OtlpTap.Client;

            using var listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == Fallback.SourceName,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
                ActivityStopped = span => Console.WriteLine($"{span.OperationName} {span.GetTagItem("otlptap.fallback")} {span.GetTagItem("otlptap.advice.id")}"),
            };
            ActivitySource.AddActivityListener(listener);
            await using var tap = new TapClient(new TapClientOptions { AdminEndpoint = new Uri(args[0]), FeedbackEndpoint = new Uri(args[1]), Service = "shop" });
            Advice? advice;
            for (var wait = Stopwatch.StartNew(); !tap.Advice.TryGet("reroute", "search", out advice) && wait.Elapsed < TimeSpan.FromMinutes(1);)
            {
                await Task.Delay(20);
            }

            using (Fallback.Begin("reroute", advice!.Reason, advice))
            {
                Console.WriteLine(advice["fallback_tool"]);
            }

            Console.WriteLine(await tap.SendFeedbackAsync(new UserFeedback { TraceId = "00000000000000000000000000000001", Stars = 5, Id = "mine" }));
            """,
            Deadline.Token());
    }

    private static byte[] Bytes(ZipArchive package, string name)
    {
        using var content = package.GetEntry(name)!.Open();
        using var bytes = new MemoryStream();
        content.CopyTo(bytes);
        return bytes.ToArray();
    }

    // The Open Packaging Conventions' own.
    private static bool IsOfTheContainer(string name) => name == "[Content_Types].xml" || name.StartsWith("_rels/", StringComparison.Ordinal) || name.StartsWith("package/", StringComparison.Ordinal);
}
