using OtlpTap.Configuration;

namespace OtlpTap.Tests.Configuration;

/// <summary>Loads texts with a small environment, whatever the machine's own is.</summary>
internal static class Configured
{
    public static LoadedConfiguration Load(string text, params (string Name, string Value)[] environment) =>
        Load([("tap.yaml", text)], environment);

    public static LoadedConfiguration Load((string Name, string Text)[] texts, params (string Name, string Value)[] environment) =>
        Loader(environment).LoadText(texts);

    public static ConfigurationLoader Loader(params (string Name, string Value)[] environment)
    {
        var values = environment.ToDictionary(variable => variable.Name, variable => variable.Value);
        return new ConfigurationLoader(values.GetValueOrDefault);
    }

    public static TapOptions Valid(string text, params (string Name, string Value)[] environment)
    {
        var loaded = Load(text, environment);
        Assert.Empty(loaded.Problems);
        return loaded.Options!;
    }

    public static string[] Problems(string text, params (string Name, string Value)[] environment) =>
        [.. Load(text, environment).Problems.Select(problem => problem.ToString())];
}
