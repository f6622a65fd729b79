namespace OtlpTap.Tests.Configuration;

/// <summary>One small file for each rule. What must be said of it stands at its end, each problem behind <c>#:</c>.</summary>
public sealed class InvalidConfigurationTests
{
    private static readonly string Directory = Path.Combine(AppContext.BaseDirectory, "fixtures", "configuration", "invalid");

    public static TheoryData<string> Files => [.. System.IO.Directory.GetFiles(Directory, "*.yaml").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Each_problem_is_named_with_its_place_and_key_and_no_other_is(string name)
    {
        var text = File.ReadAllText(Path.Combine(Directory, name + ".yaml"));
        var expected = text.Split('\n').Where(line => line.StartsWith("#: ", StringComparison.Ordinal)).Select(line => $"{name}.yaml:{line[3..]}");

        var loaded = Configured.Load([($"{name}.yaml", text)]);

        Assert.Equal(expected, loaded.Problems.Select(problem => problem.ToString()));
        Assert.Null(loaded.Options);
    }
}
