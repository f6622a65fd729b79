namespace OtlpTap.Tests.Configuration;

/// <summary>
/// One small file for each rule, and whole files as people have them for the Collector. What must be said of a file stands at
/// its end, each problem behind <c>#:</c>.
/// </summary>
public sealed class FileProblemTests
{
    private static readonly string Directory = Path.Combine(AppContext.BaseDirectory, "fixtures", "configuration");

    /// <summary>What the pasted files take from it; the machine's own is not asked.</summary>
    private static readonly (string, string)[] Environment =
        [("MY_POD_IP", "10.0.0.7"), ("GRAFANA_CLOUD_INSTANCE_ID", "123456"), ("GRAFANA_CLOUD_API_KEY", "glc_secret"), ("INGEST_TOKEN", "ingest_secret")];

    public static TheoryData<string> Invalid => FilesOf("invalid");

    public static TheoryData<string> Valid => FilesOf("warnings");

    public static TheoryData<string> OfTheCollector => FilesOf("collector");

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Each_problem_is_named_with_its_place_and_key_and_no_other_is(string name) => Assert.False(IsValid("invalid", name));

    [Theory]
    [MemberData(nameof(Valid))]
    public void What_has_no_effect_is_said_and_the_tap_starts(string name) => Assert.True(IsValid("warnings", name));

    [Theory]
    [MemberData(nameof(OfTheCollector))]
    public void A_pasted_Collector_configuration_runs_or_is_told_for_each_component_what_to_do(string name)
    {
        var problems = File.ReadAllLines(Path.Combine(Directory, "collector", name + ".yaml")).Where(IsExpected);
        Assert.Equal(problems.All(line => line.Contains(": warning: ", StringComparison.Ordinal)), IsValid("collector", name));
    }

    [Theory]
    [MemberData(nameof(Invalid))]
    [MemberData(nameof(OfTheCollector))]
    public void No_problem_shows_a_credential(string name)
    {
        foreach (var folder in (string[])["invalid", "collector"])
        {
            var file = Path.Combine(Directory, folder, name + ".yaml");
            if (File.Exists(file))
            {
                Assert.All(Configured.Problems(File.ReadAllText(file), Environment), problem => Assert.DoesNotContain("secret", problem, StringComparison.Ordinal));
            }
        }
    }

    private static bool IsValid(string folder, string name)
    {
        var text = File.ReadAllText(Path.Combine(Directory, folder, name + ".yaml"));
        var expected = text.Split('\n').Where(IsExpected).Select(line => $"{name}.yaml:{line[3..]}");

        var loaded = Configured.Load([($"{name}.yaml", text)], Environment);

        Assert.Equal(expected, loaded.Problems.Select(problem => problem.ToString()));
        return loaded.Options is not null;
    }

    private static bool IsExpected(string line) => line.StartsWith("#: ", StringComparison.Ordinal);

    private static TheoryData<string> FilesOf(string folder) =>
        [.. System.IO.Directory.GetFiles(Path.Combine(Directory, folder), "*.yaml").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];
}
