using System.Text;
using OtlpTap.Configuration;

namespace OtlpTap.Tests.Configuration;

public sealed class YamlReaderTests
{
    [Fact]
    public void Anchors_aliases_and_merge_keys_are_understood()
    {
        var options = Configured.Valid(
            """
            exporters:
              otlp_grpc/tempo: &base
                endpoint: tempo:4317
                timeout: 2s
                tls: &tls { insecure: true }
              otlp_grpc/loki:
                <<: *base
                endpoint: loki:4317
              otlp_grpc/mimir: { endpoint: mimir:4317, tls: *tls }
            service:
              pipelines:
                traces: &pipeline { receivers: [otlp], processors: [tap], exporters: [otlp_grpc/tempo] }
                logs: { <<: [*pipeline], exporters: [otlp_grpc/loki] }
                metrics: { <<: *pipeline, exporters: [otlp_grpc/mimir] }
            """);

        Assert.Equal(
            [("tempo:4317", 2.0, true), ("loki:4317", 2.0, true), ("mimir:4317", 5.0, true)],
            options.Exporters.Select(exporter => (exporter.Forward.Endpoint, exporter.Forward.TimeoutSeconds, exporter.Forward.Insecure)));
    }

    [Fact]
    public void A_problem_in_an_aliased_node_is_told_once_for_each_key_it_stands_for()
    {
        Assert.Equal(
            [
                "tap.yaml:2:43: exporters.otlp/a.tls.insecur: unknown key; did you mean `insecure`?",
                "tap.yaml:2:43: exporters.otlp/b.tls.insecur: unknown key; did you mean `insecure`?",
            ],
            Configured.Problems(
                """
                exporters:
                  otlp/a: { endpoint: a:1, tls: &tls    { insecur: true } }
                  otlp/b: { endpoint: b:1, tls: *tls }
                service:
                  pipelines:
                    traces: { receivers: [otlp], exporters: [otlp/a] }
                    logs: { receivers: [otlp], exporters: [otlp/b] }
                """));
    }

    [Fact]
    public void Aliases_of_aliases_are_refused_before_they_cost_anything()
    {
        var text = new StringBuilder("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var level = 1; level < 30; level++)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"l{level}: &l{level} [{string.Join(", ", Enumerable.Repeat($"*l{level - 1}", 10))}]\n");
        }

        Assert.Equal(["tap.yaml:5:45: more than 100000 values, aliases counted wherever they are used"], Configured.Problems(text.ToString()));
    }

    [Fact]
    public void An_alias_inside_its_own_anchor_is_refused() =>
        Assert.Equal(["tap.yaml:1:8: the alias `*a` names no anchor that stands before it"], Configured.Problems("a: &a [*a]\n"));

    [Fact]
    public void A_file_larger_than_a_configuration_can_be_is_refused_without_being_read()
    {
        using var file = new TemporaryFile(new byte[ConfigurationLoader.FileBytesMax + 1]);

        var loaded = Configured.Loader().Load([file.Path]);

        Assert.Equal($"{file.Path}:1:1: larger than 1 MiB: no configuration file", Assert.Single(loaded.Problems).ToString());
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        using var file = new TemporaryFile([0x7f, (byte)'E', (byte)'L', (byte)'F', 0xff, 0xfe, 0x00]);

        var loaded = Configured.Loader().Load([file.Path]);

        Assert.Equal($"{file.Path}:1:1: not UTF-8 text: no configuration file", Assert.Single(loaded.Problems).ToString());
    }

    [Fact]
    public void Nothing_behind_a_zero_byte_is_left_out_without_a_word() =>
        Assert.Equal(["tap.yaml:2:3: a zero byte stands here: no configuration file"], Configured.Problems("service: {}\n# \0\nnonsense: {}\n"));

    [Fact]
    public void A_byte_order_mark_is_no_part_of_the_first_key()
    {
        using var file = new TemporaryFile([0xef, 0xbb, 0xbf, .. "service: {}\n"u8]);

        Assert.Empty(Configured.Loader().Load([file.Path]).Problems);
    }

    [Fact]
    public void Files_that_cannot_be_read_are_each_reported_and_the_prefix_of_the_Collector_is_understood()
    {
        using var file = new TemporaryFile("service: {}\n");

        Assert.Empty(Configured.Loader().Load(["file:" + file.Path]).Problems);
        Assert.Equal(
            ["no/such.yaml", Path.GetTempPath()],
            Configured.Loader().Load(["no/such.yaml", file.Path, Path.GetTempPath()]).Problems.Select(problem => problem.Mark.File));
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{")]
    [InlineData("- ")]
    [InlineData("? ")]
    [InlineData("a: {")]
    [InlineData("${")]
    [InlineData("'${${")]
    [InlineData("${A}")]
    [InlineData("${A:-}")]
    [InlineData("}${")]
    [InlineData("&a ")]
    [InlineData("*a ")]
    [InlineData("!a ")]
    [InlineData("\"")]
    [InlineData("a\n")]
    [InlineData("|\n ")]
    [InlineData("a: b: ")]
    [InlineData("%TAG ! ")]
    [InlineData("---\n")]
    [InlineData("\0")]
    public void The_largest_file_of_one_repeated_piece_is_answered_in_seconds(string piece)
    {
        var text = string.Concat(Enumerable.Repeat(piece, (ConfigurationLoader.FileBytesMax / piece.Length) - 1));

        var started = ProcessorTime.OfThisThread;
        AssertRefusedInFewWords(Configured.Load(text));
        AssertRefusedInFewWords(Configured.Load("a: '" + text.Replace("'", "", StringComparison.Ordinal) + "'\n"));

        Assert.InRange(ProcessorTime.OfThisThread - started, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void References_nested_as_deep_as_the_file_allows_are_refused()
    {
        const int Depth = 200_000;

        AssertRefusedInFewWords(Configured.Load($"a: '{string.Concat(Enumerable.Repeat("${", Depth))}{new string('}', Depth)}'\n"));
        AssertRefusedInFewWords(Configured.Load($"a: '{string.Concat(Enumerable.Repeat("${A:-", Depth / 2))}{new string('}', Depth / 2)}'\n"));
    }

    [Fact]
    public void No_mutation_of_a_configuration_throws_and_none_is_refused_without_a_reason()
    {
        string[] seeds =
        [
            ConfigurationLoader.BuiltInText(),
            "exporters:\n  otlp: &a { endpoint: '${env:HOST:-x}:1', headers: { a: \"b\\n\" } }\nservice: { <<: *a, pipelines: { traces: { receivers: [otlp], exporters: [otlp] } } }\n",
            "processors: { tap: { rules: [ { name: a, failure: b, condition: |\n  span.name == 'x'\n} ], packs: [all] } }\n",
        ];
        const string Alphabet = "{}[]:,-?&*!|>'\"%@`#\n\t \0\u0085\u2028\ud800ab0$~<.\\/";
        var random = new Random(20_260);
        for (var i = 0; i < 6000; i++)
        {
            var text = new StringBuilder(seeds[i % seeds.Length]);
            for (var edits = random.Next(1, 6); edits > 0; edits--)
            {
                var at = random.Next(text.Length);
                var length = Math.Min(random.Next(1, 40), text.Length - at);
                switch (random.Next(4))
                {
                    case 0:
                        text.Remove(at, length);
                        break;
                    case 1:
                        text.Insert(at, Alphabet[random.Next(Alphabet.Length)]);
                        break;
                    case 2:
                        text[at] = Alphabet[random.Next(Alphabet.Length)];
                        break;
                    default:
                        text.Insert(random.Next(text.Length), text.ToString(at, length));
                        break;
                }

                if (text.Length == 0)
                {
                    text.Append('a');
                }
            }

            var loaded = Configured.Load(text.ToString(), ("HOST", "tempo"));

            Assert.Equal(loaded.Options is null, loaded.Problems.Any(problem => problem.Severity == Severity.Error));
        }
    }

    private static void AssertRefusedInFewWords(LoadedConfiguration loaded)
    {
        Assert.Null(loaded.Options);
        Assert.InRange(loaded.Problems.Length, 1, ProblemList.CountMax + 1);
        Assert.All(loaded.Problems, problem => Assert.InRange(problem.ToString().Length, 1, 1100));
    }
}
