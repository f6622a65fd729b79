namespace OtlpTap.Tests.Configuration;

public sealed class EnvironmentSubstitutionTests
{
    [Theory]
    [InlineData("${env:HOST}:4317", "tempo:4317")]
    [InlineData("${HOST}:${env:PORT}", "tempo:4317")]
    [InlineData("${env:MISSING:-other}:4317", "other:4317")]
    [InlineData("${MISSING:-other}:4317", "other:4317")]
    [InlineData("${env:MISSING:-${env:HOST}}:4317", "tempo:4317")]
    [InlineData("${env:MISSING:-${env:MISSING:-${HOST}}}:4317", "tempo:4317")]
    [InlineData("${env:HOST:-other}:4317", "tempo:4317")]
    [InlineData("${env:EMPTY:-other}tempo:4317", "tempo:4317")]
    [InlineData("${env:MISSING:-[::1]:4317}", "[::1]:4317")]
    public void References_are_replaced_by_the_value_or_the_default(string written, string expected)
    {
        var options = Configured.Valid($"exporters: {{ otlp: {{ endpoint: '{written}' }} }}", ("HOST", "tempo"), ("PORT", "4317"), ("EMPTY", ""));

        Assert.Equal(expected, Assert.Single(options.Exporters).Forward.Endpoint);
    }

    [Theory]
    [InlineData("a$$b", "a$b")]
    [InlineData("$${env:HOST}", "${env:HOST}")]
    [InlineData("$$$${HOST}", "$${HOST}")]
    [InlineData("$$${HOST}", "$tempo")]
    [InlineData("$HOST", "$HOST")]
    [InlineData("${HOST", "${HOST")]
    [InlineData("cost: 5$", "cost: 5$")]
    [InlineData("${env:NESTED}", "${HOST}")]
    [InlineData("${env:MAP}", "{ a: 1 }")]
    [InlineData("${env:BROKEN}", "[a")]
    public void Dollars_and_values_that_look_like_something_else_stay_text_where_text_is_asked_for(string written, string expected)
    {
        var options = Configured.Valid(
            $"exporters: {{ otlp: {{ endpoint: 'a:1', headers: {{ x-value: '{written}' }} }} }}",
            ("HOST", "tempo"),
            ("NESTED", "${HOST}"),
            ("MAP", "{ a: 1 }"),
            ("BROKEN", "[a"));

        Assert.Equal([("x-value", expected)], Assert.Single(options.Exporters).Forward.Headers);
    }

    [Fact]
    public void A_value_that_is_one_reference_takes_the_type_of_its_text_quoted_or_not()
    {
        var options = Configured.Valid(
            """
            receivers: { otlp: { protocols: { grpc: { max_concurrent_streams: "${env:STREAMS}" } } } }
            processors: { tap: { forward_headers: "${env:HEADERS}", corpus: { settle: "${env:SETTLE}" } } }
            exporters: { otlp: { endpoint: a:1, headers: "${env:MAP}", tls: { insecure: "${env:INSECURE}" } } }
            """,
            ("STREAMS", "7"),
            ("HEADERS", "[a, b]"),
            ("SETTLE", "2s"),
            ("MAP", "{ x-a: 1, x-b: two }"),
            ("INSECURE", "true"));

        Assert.Equal(7, options.Receivers[0].Grpc!.MaxConcurrentStreams);
        Assert.Equal(["a", "b"], options.Processor.ForwardHeaders);
        Assert.Equal(TimeSpan.FromSeconds(2), options.Processor.CorpusSettle);
        var exporter = Assert.Single(options.Exporters).Forward;
        Assert.Equal([("x-a", "1"), ("x-b", "two")], exporter.Headers);
        Assert.True(exporter.Insecure);
    }

    [Fact]
    public void A_quoted_value_in_a_variable_is_text()
    {
        Assert.Equal(
            ["tap.yaml:1:67: receivers.otlp.protocols.grpc.max_concurrent_streams: a whole number is expected here, not the quoted text `7`"],
            Configured.Problems("receivers: { otlp: { protocols: { grpc: { max_concurrent_streams: '${env:STREAMS}' } } } }", ("STREAMS", "\"7\"")));
    }

    [Fact]
    public void An_unset_variable_without_a_default_is_a_warning_and_taken_as_not_written()
    {
        var loaded = Configured.Load("service:\n  admin:\n    endpoint: ${env:ADMIN}\n");

        Assert.Equal(8888, loaded.Options!.Service.Admin.Endpoint.Tcp.Port);
        Assert.Equal(
            "tap.yaml:3:15: warning: service.admin.endpoint: the environment variable ADMIN is not set and has no default (`${env:ADMIN:-default}`): taken as empty",
            Assert.Single(loaded.Problems).ToString());
    }

    [Fact]
    public void A_problem_inside_a_value_from_the_environment_is_shown_at_the_reference()
    {
        Assert.Equal(
            ["tap.yaml:2:8: processors.tap.corpus.setle: unknown key; did you mean `settle`?"],
            Configured.Problems("processors:\n  tap: ${env:TAP}\n", ("TAP", "corpus: { setle: 1s }")));
    }

    [Fact]
    public void Keys_are_not_searched_for_references() =>
        Assert.Equal(["tap.yaml:1:1: ${env:HOST}: unknown key; known here: exporters, extensions, processors, receivers, service"], Configured.Problems("${env:HOST}: {}\n", ("HOST", "service")));

    [Fact]
    public void Aliases_cannot_multiply_a_variable_beyond_the_bound()
    {
        var text = $"a: &a \"${{env:LONG}} \"\nb: [{string.Join(", ", Enumerable.Repeat("*a", 1000))}]\n";

        Assert.Contains(Configured.Problems(text, ("LONG", new string('x', 1 << 20))), problem => problem.Contains("once the variables are in place", StringComparison.Ordinal));
    }
}
