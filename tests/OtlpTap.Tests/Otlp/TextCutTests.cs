using OtlpTap.Otlp;

namespace OtlpTap.Tests.Otlp;

public sealed class TextCutTests
{
    [Theory]
    [InlineData("", 3, "")]
    [InlineData("abc", 3, "abc")]
    [InlineData("abcd", 3, "abc…")]
    [InlineData("ab😀", 4, "ab😀")]
    [InlineData("ab😀c", 4, "ab😀…")]
    [InlineData("ab😀c", 3, "ab…")]
    [InlineData("😀", 1, "…")]
    [InlineData("a", 0, "…")]
    public void What_is_too_long_ends_in_the_mark_and_never_in_half_a_character(string text, int charactersMax, string expected) =>
        Assert.Equal(expected, text.Cut(charactersMax, "…"));

    [Fact]
    public void Without_a_mark_nothing_is_added() => Assert.Equal("abc", "abcd".Cut(3));
}
