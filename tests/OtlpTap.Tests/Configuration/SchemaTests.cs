using System.Text.Json;
using System.Text.RegularExpressions;
using OtlpTap.Configuration;
using OtlpTap.Tests.Documentation;

namespace OtlpTap.Tests.Configuration;

/// <summary>The schema, the page and the descriptions come from the readers themselves: none of them may say more or less than these.</summary>
public sealed partial class SchemaTests
{
    private static readonly KeyShape Shape = new ConfigurationLoader().Describe();
    private static readonly JsonElement Schema = JsonDocument.Parse(ConfigurationSchema.Write(Shape)).RootElement;
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures", "configuration");

    public static TheoryData<string> ValidFiles =>
    [
        .. Directory.GetFiles(Markdown.InRepository("config"), "*.yaml").Where(file => Path.GetFileName(file) != "compose.yaml"),
        .. Directory.GetFiles(Path.Combine(Fixtures, "warnings"), "*.yaml"),
        Path.Combine(Fixtures, "collector", "basic.yaml"),
    ];

    [Fact]
    public void The_schema_in_the_repository_is_what_config_schema_prints() =>
        Assert.Equal(File.ReadAllText(Markdown.InRepository("config/otlptap.schema.json")), ConfigurationSchema.Write(Shape));

    [Fact]
    public void The_page_of_keys_is_what_config_schema_prints() =>
        Assert.Equal(File.ReadAllText(Markdown.InRepository("docs/configuration.md")), ConfigurationPage.Write(Shape));

    [Fact]
    public void Every_key_is_described_and_every_description_is_used()
    {
        var described = Keys(Shape).Where(key => key.Shape.Ignored is null).Select(key => (key.Path, KeyDescriptions.Find(key.Path)?.End)).ToList();

        Assert.Empty(described.Where(key => key.End is null).Select(key => key.Path));
        Assert.Empty(KeyDescriptions.Ends.Except(described.Select(key => key.End!)));
    }

    /// <summary>While files are read keys are recorded too: one that a reader asks for only then would be missing here.</summary>
    [Fact]
    public void Every_key_that_a_reader_asks_for_is_in_the_schema()
    {
        var recorded = new KeyShape("");
        foreach (var file in Directory.GetFiles(Fixtures, "*.yaml", SearchOption.AllDirectories).Concat(Directory.GetFiles(Markdown.InRepository("config"), "*.yaml")))
        {
            new ConfigurationLoader(_ => null, recorded: recorded).LoadText([(file, File.ReadAllText(file))]);
        }

        var asked = Keys(recorded).Select(key => key.Path).ToList();
        Assert.True(asked.Count > 250);
        Assert.Empty(asked.Except(Keys(Shape).Select(key => key.Path)));
    }

    [Fact]
    public void No_key_of_the_schema_is_unknown_to_its_reader()
    {
        var keys = Keys(Shape).Where(key => key.Shape.Keys.Count == 0).ToList();
        Assert.True(keys.Count > 250);
        Assert.All(keys, key =>
        {
            var problems = Configured.Problems(YamlOf(key.Path, key.Lists));
            Assert.DoesNotContain(problems, problem => problem.Contains("unknown key", StringComparison.Ordinal) || IsUnknownType().IsMatch(problem));
        });
    }

    [Theory]
    [MemberData(nameof(ValidFiles))]
    public void What_the_tap_takes_the_schema_takes(string file) =>
        Assert.Empty(JsonSchema.Problems(Schema, YamlAsJson.Read(File.ReadAllText(file))));

    [Theory]
    [InlineData("receivers: { otlp: { protocols: { grpc: { endpont: a } } } }", ".receivers.otlp.protocols.grpc.endpont: unknown")]
    [InlineData("receivers: { jaeger: {} }", ".receivers.jaeger: unknown")]
    [InlineData("receivers: { otlp: { protocols: { grpc: { max_concurrent_streams: 0 } } } }", ".receivers.otlp.protocols.grpc.max_concurrent_streams: 0 is less than 1")]
    [InlineData("processors: { tap: { corpus: { settle: soon } } }", ".processors.tap.corpus.settle: soon is not like ")]
    [InlineData("processors: { tap: { corpus: { settle: 5 } } }", ".processors.tap.corpus.settle: 5 is more than 0")]
    [InlineData("processors: { tap: { on_invalid: reject } }", ".processors.tap.on_invalid: reject is nothing of ")]
    [InlineData("processors: { tap: { tee: { enabled: 1 } } }", ".processors.tap.tee.enabled: Number is none of ")]
    [InlineData("processors: { tap: { rules: [{ failure: a, condition: b }] } }", ".processors.tap.rules[0]: not all of ")]
    [InlineData("exporters: { otlp/a: { tls: text } }", ".exporters.otlp/a: not all of ")]
    public void What_the_tap_refuses_as_a_key_or_a_value_the_schema_refuses(string yaml, string expected)
    {
        Assert.Contains(JsonSchema.Problems(Schema, YamlAsJson.Read(yaml)), problem => problem.StartsWith(expected, StringComparison.Ordinal));
        Assert.NotEmpty(Configured.Problems(yaml));
    }

    [Theory]
    [InlineData("receivers: { otlp: { protocols: { grpc: { max_concurrent_streams: \"${env:A:-7}\", keepalive: \"${env:B:-{}}\" } } } }")]
    [InlineData("processors: { tap: { tee: { enabled: \"${env:A:-true}\" }, corpus: { settle: \"${env:A:-5}s\" }, on_invalid: \"${A:-relay}\" } }")]
    public void A_reference_to_the_environment_may_stand_for_any_value(string yaml) =>
        Assert.Empty(JsonSchema.Problems(Schema, YamlAsJson.Read(yaml)));

    private static IEnumerable<(string Path, int[] Lists, KeyShape Shape)> Keys(KeyShape map, string path = "", int[]? lists = null)
    {
        foreach (var key in map.Keys)
        {
            var below = path.Length == 0 ? key.Name : $"{path}.{key.Name.Split('|')[0]}";
            int[] listsBelow = key.Kind == KeyKind.MapList ? [.. lists ?? [], below.Count(character => character == '.')] : lists ?? [];
            yield return (below, listsBelow, key);
            foreach (var deeper in Keys(key, below, listsBelow))
            {
                yield return deeper;
            }
        }
    }

    [GeneratedRegex("is no (receiver|processor|exporter|extension|pipeline)|is not part of the tap")]
    private static partial Regex IsUnknownType();

    // Nothing behind the last key: every reader takes that for the default.
    private static string YamlOf(string path, int[] lists)
    {
        var names = path.Split('.');
        var yaml = "";
        for (var i = names.Length - 1; i >= 0; i--)
        {
            yaml = lists.Contains(i) && i < names.Length - 1 ? $"{{ {names[i]}: [{yaml}] }}" : $"{{ {names[i]}: {yaml} }}";
        }

        return yaml;
    }
}
