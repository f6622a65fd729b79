using OtlpTap.Advice;

namespace OtlpTap.Tests.Advice;

public sealed class NameFilterTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("", "any", true)]
    [InlineData("*", "", true)]
    [InlineData("a", "a", true)]
    [InlineData("a", "A", false)]
    [InlineData("a", "ab", false)]
    [InlineData("a", "", false)]
    [InlineData("a*", "a", true)]
    [InlineData("a*", "abc", true)]
    [InlineData("*c", "abc", true)]
    [InlineData("*c", "abcd", false)]
    [InlineData("a*c", "abcbc", true)]
    [InlineData("a*b*c", "a-b-b-c", true)]
    [InlineData("a*b*c", "a-c-b", false)]
    [InlineData("**", "x", true)]
    [InlineData("a.c", "abc", false)]
    public void A_filter_admits_what_it_says(string pattern, string name, bool admits) => Assert.Equal(admits, new NameFilter(pattern).Admits(name));

    [Fact]
    public void Many_stars_take_no_more_time_than_a_few()
    {
        Assert.False(new NameFilter(string.Concat(Enumerable.Repeat("a*", 500)) + "b").Admits(new string('a', 10_000)));
    }
}
