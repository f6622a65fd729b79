namespace OtlpTap.Tests.Configuration;

public sealed class MergeTests
{
    private const string Base =
        """
        processors:
          tap:
            packs: [genai, mcp]
            corpus: { directory: /base, settle: 1s }
            forward_headers: [a, b]
        exporters:
          otlp_grpc: { endpoint: base:4317, headers: { x-a: base, x-b: base } }
        """;

    [Fact]
    public void Maps_are_merged_and_lists_replaced()
    {
        var loaded = Configured.Load(
        [
            ("base.yaml", Base),
            ("mine.yaml", "processors: { tap: { corpus: { settle: 2s }, forward_headers: [c] } }\nexporters: { otlp_grpc: { headers: { x-b: mine, x-c: mine } } }\n"),
        ]);

        Assert.Empty(loaded.Problems);
        var tap = loaded.Options!.Processor;
        Assert.Equal(("/base", TimeSpan.FromSeconds(2)), (tap.CorpusDirectory, tap.CorpusSettle));
        Assert.Equal(["genai", "mcp"], tap.Packs);
        Assert.Equal(["c"], tap.ForwardHeaders);
        Assert.Equal([("x-a", "base"), ("x-b", "mine"), ("x-c", "mine")], Assert.Single(loaded.Options.Exporters).Forward.Headers);
    }

    [Fact]
    public void The_later_file_wins_and_problems_name_the_file_they_are_in()
    {
        var loaded = Configured.Load(
        [
            ("base.yaml", Base),
            ("first.yaml", "processors: { tap: { corpus: { settle: soon } } }\n"),
            ("second.yaml", "processors: { tap: { corpus: { settle: 3s, directori: /x } } }\nexporters: { otlp_grpc: { endpoint: \"\" } }\n"),
        ]);

        Assert.Equal(
            [
                "second.yaml:1:44: processors.tap.corpus.directori: unknown key; did you mean `directory`?",
                "second.yaml:2:37: exporters.otlp_grpc.endpoint: must be set",
            ],
            loaded.Problems.Select(problem => problem.ToString()));
    }

    [Fact]
    public void Problems_come_in_the_order_in_which_the_files_were_named()
    {
        var loaded = Configured.Load([("z.yaml", "a: 1\n"), ("a.yaml", "b: 1\n")]);

        Assert.Equal(["z.yaml:1:1", "a.yaml:1:1"], loaded.Problems.Select(problem => problem.Mark.ToString()));
    }

    [Fact]
    public void A_map_laid_over_a_value_replaces_it_and_the_other_way_round()
    {
        var loaded = Configured.Load([("base.yaml", "service: { admin: nothing }\n"), ("mine.yaml", "service: { admin: { endpoint: \":9999\" } }\n")]);

        Assert.Empty(loaded.Problems);
        Assert.Equal(9999, loaded.Options!.Service.Admin.Endpoint.Tcp.Port);
    }
}
