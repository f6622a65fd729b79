using OtlpTap.Redact;

namespace OtlpTap.Tests.Configuration;

public sealed class RedactSectionTests
{
    [Fact]
    public void All_keys_are_read()
    {
        using var key = new TemporaryFile("k3y");
        var redact = Configured.Valid(Yaml($"{{ mode: hash, attributes: [customer.*], patterns: ['C-[0-9]+'], key_file: '{key.Path}' }}")).Processor.CorpusRedact;
        Assert.Equal((true, RedactMode.Hash, key.Path), (redact.IsEnabled, redact.Mode, redact.KeyFile));
        Assert.Equal("customer.*", Assert.Single(redact.Attributes));
        Assert.Equal("C-[0-9]+", Assert.Single(redact.Patterns));
    }

    [Theory]
    [InlineData("{ mode: encrypt }", "mode", "`encrypt`")]
    [InlineData("{ enabled: maybe }", "enabled", "")]
    [InlineData("{ patterns: ['C-[0-9'] }", "patterns[0]", "")]
    [InlineData("{ patterns: ['fine', '(a'] }", "patterns[1]", "not closed")]
    [InlineData("{ patterns: ['x*'] }", "patterns[0]", "matches the empty text")]
    [InlineData("{ patterns: ['(?=a)b'] }", "patterns[0]", "")]
    [InlineData("{ patterns: ['(a)\\1'] }", "patterns[0]", "")]
    [InlineData("{ patterns: { a: b } }", "patterns", "")]
    [InlineData("{ attributes: ['*'] }", "attributes[0]", "must name an attribute")]
    [InlineData("{ attributes: [''] }", "attributes[0]", "must name an attribute")]
    [InlineData("{ mode: hash, key_file: /nowhere/key }", "key_file", "there is no such file")]
    [InlineData("{ mode: hash, key_file: /dev/null }", "key_file", "is empty")]
    [InlineData("{ mode: hash, key_file: /tmp }", "key_file", "")]
    [InlineData("{ hash_key: x }", "hash_key", "")]
    [InlineData("yes", "redact", "")]
    public void What_is_wrong_is_told_with_its_key_and_line(string redact, string key, string expected)
    {
        var problem = Assert.Single(Configured.Problems(Yaml(redact)));
        Assert.StartsWith("tap.yaml:4:", problem, StringComparison.Ordinal);
        Assert.Contains(key == "redact" ? "processors.tap.corpus.redact: " : $"processors.tap.corpus.redact.{key}: ", problem, StringComparison.Ordinal);
        Assert.Contains(expected, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_nothing_uses_is_a_warning()
    {
        using var key = new TemporaryFile("k3y");
        Assert.Contains("warning: processors.tap.corpus.redact.key_file: has no effect", Assert.Single(Configured.Problems(Yaml($"{{ key_file: '{key.Path}' }}"))), StringComparison.Ordinal);
    }

    private static string Yaml(string redact) => $"processors:\n  tap:\n    corpus:\n      redact: {redact}\n";
}
