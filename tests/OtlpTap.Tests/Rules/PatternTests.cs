using System.Text;
using System.Text.RegularExpressions;
using OtlpTap.Rules.Patterns;

namespace OtlpTap.Tests.Rules;

public sealed class PatternTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("abc", "xabcx", true)]
    [InlineData("abc", "ab", false)]
    [InlineData("^abc", "abcx", true)]
    [InlineData("^abc", "xabc", false)]
    [InlineData("abc$", "xabc", true)]
    [InlineData("abc$", "abc\n", false)]
    [InlineData("(?m)abc$", "abc\n", true)]
    [InlineData("(?m)^b", "a\nb", true)]
    [InlineData("^b", "a\nb", false)]
    [InlineData("^(a|bc|)$", "bc", true)]
    [InlineData("^(a|bc|)$", "b", false)]
    [InlineData("a.c", "a\nc", false)]
    [InlineData("(?s)a.c", "a\nc", true)]
    [InlineData("a.c", "a☕c", true)]
    [InlineData("^.$", "😀", true)]
    [InlineData("^..$", "😀", false)]
    [InlineData("[^a]", "\n", true)]
    [InlineData("\\d", "٣", false)]
    [InlineData("\\w", "é", false)]
    [InlineData("\\W", "é", true)]
    [InlineData("\\s", "\u00A0", false)]
    [InlineData("\\s", "\v", false)]
    [InlineData("\\bfoo\\b", "a foo b", true)]
    [InlineData("\\bfoo\\b", "foox", false)]
    [InlineData("\\bé", "é", false)]
    [InlineData("o\\B", "foo", true)]
    [InlineData("\\Bo$", "o", false)]
    [InlineData("a\\B", "aé", false)]
    [InlineData("(?i)straße", "STRAẞE", true)]
    [InlineData("(?i)k", "\u212A", true)]
    [InlineData("(?i)s", "ſ", true)]
    [InlineData("(?i)i", "İ", false)]
    [InlineData("(?i)[a-c]", "B", true)]
    [InlineData("(?i)[^a-c]", "B", false)]
    [InlineData("(?i:a)b", "AB", false)]
    [InlineData("a(?i)b|c", "C", true)]
    [InlineData("(a(?i)b)c", "aBC", false)]
    [InlineData("(?i)σ", "ς", true)]
    [InlineData("a{2,3}b", "aab", true)]
    [InlineData("^a{2,3}b", "aaaab", false)]
    [InlineData("^a{0}b", "b", true)]
    [InlineData("a{,2}", "a{,2}", true)]
    [InlineData("a{2", "a{2", true)]
    [InlineData("x*?y+?z??", "y", true)]
    [InlineData("[[:alpha:]_]+$", "a_", true)]
    [InlineData("[[:^digit:]]", "5", false)]
    [InlineData("[[:foo]", ":", true)]
    [InlineData("[]a]", "]", true)]
    [InlineData("[a-]", "-", true)]
    [InlineData("[\\]\\-x]", "-", true)]
    [InlineData("\\p{Lu}", "É", true)]
    [InlineData("\\PL", "1", true)]
    [InlineData("\\p{^L}", "é", false)]
    [InlineData("\\pN", "٣", true)]
    [InlineData("\\p{Greek}", "λ", true)]
    [InlineData("\\p{Greek}", "l", false)]
    [InlineData("\\p{Han}", "日", true)]
    [InlineData("\\Qa.b*\\Ec", "a.b*c", true)]
    [InlineData("\\Qa.b", "axb", false)]
    [InlineData("\\Qab\\E+$", "abbb", true)]
    [InlineData("^\\Qab\\E+$", "abab", false)]
    [InlineData("\\x41\\x{1F600}\\101", "A😀A", true)]
    [InlineData("\\Aab\\z", "ab", true)]
    [InlineData("(?P<x>a)(?<y>b)", "ab", true)]
    [InlineData("^*a", "a", true)]
    [InlineData("[a-z&&[b]]", "b", false)]
    [InlineData("(?U)a+", "a", true)]
    [InlineData("(?i-s)A.", "aa", true)]
    [InlineData("[^\\x00-\\x{10FFFF}]", "a", false)]
    public void It_matches_what_Go_matches(string pattern, string text, bool expected)
    {
        Assert.Equal(expected, Parsed(pattern).IsMatch(Encoding.UTF8.GetBytes(text)));
        Assert.Equal(expected, Simulate(Parsed(pattern), Encoding.UTF8.GetBytes(text)));
    }

    [Theory]
    [InlineData("(")]
    [InlineData(")")]
    [InlineData("[")]
    [InlineData("[]")]
    [InlineData("[b-a]")]
    [InlineData("[a-\\d]")]
    [InlineData("[[:foo:]]")]
    [InlineData("*a")]
    [InlineData("(?i)*")]
    [InlineData("a**")]
    [InlineData("a*+")]
    [InlineData("a{2}{3}")]
    [InlineData("a{2,1}")]
    [InlineData("a{1001}")]
    [InlineData("(a{100}){11}")]
    [InlineData("((a{10}){10}){11}")]
    [InlineData("\\")]
    [InlineData("\\1")]
    [InlineData("\\8")]
    [InlineData("\\y")]
    [InlineData("\\é")]
    [InlineData("\\x{110000}")]
    [InlineData("\\x4")]
    [InlineData("\\p{Foo}")]
    [InlineData("\\p{L")]
    [InlineData("(?=a)")]
    [InlineData("(?<!a)")]
    [InlineData("(?>a)")]
    [InlineData("(?P=a)")]
    [InlineData("(?P<a")]
    [InlineData("(?<>a)")]
    [InlineData("(?i")]
    [InlineData("(?i-)a")]
    [InlineData("(?z)a")]
    public void It_refuses_what_Go_refuses(string pattern)
    {
        Assert.Null(Pattern.Parse(pattern, out var problem));
        Assert.Contains(pattern, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_read_as_replacement_characters_each_alone()
    {
        byte[] broken = [(byte)'a', 0xE2, 0x82, (byte)'b'];

        Assert.True(Parsed("^a..b$").IsMatch(broken));
        Assert.False(Parsed("^a.b$").IsMatch(broken));
        Assert.True(Parsed("^a\\x{FFFD}{2}b$").IsMatch(broken));
        Assert.True(Parsed("b$").IsMatch(broken));
        Assert.True(Parsed("^a\uFFFD").IsMatch(broken));
        Assert.False(Parsed("\u20AC").IsMatch(broken));
    }

    [Fact]
    public void A_text_in_pieces_matches_as_the_whole_text_does_even_when_a_piece_ends_within_a_character()
    {
        var text = Encoding.UTF8.GetBytes(new string('é', 600) + "€x" + new string('ü', 600));

        Assert.True(Parsed("^é+€xü+$").IsMatch(text));
        Assert.False(Parsed("^é+€yü+$").IsMatch(text));
        Assert.True(Parsed("^é{300}é{300}€").IsMatch(text));
    }

    [Fact]
    public void It_agrees_with_another_engine_on_random_patterns_and_texts_as_automaton_and_simulated()
    {
        var random = new Random(7);
        for (var i = 0; i < 1500; i++)
        {
            var text = RandomPattern(random, 3);
            var pattern = Parsed(text);
            var other = new Regex(text, RegexOptions.CultureInvariant);
            for (var j = 0; j < 8; j++)
            {
                var input = new string([.. Enumerable.Range(0, random.Next(7)).Select(_ => "ab\nBé_"[random.Next(6)])]);
                var bytes = Encoding.UTF8.GetBytes(input);
                var expected = other.IsMatch(input);
                Assert.True(expected == pattern.IsMatch(bytes), $"{text} on '{input}': expected {expected}");
                Assert.True(expected == Simulate(pattern, bytes), $"{text} on '{input}', simulated: expected {expected}");
            }
        }
    }

    [Fact]
    public void One_pattern_for_several_matches_where_one_of_them_does()
    {
        var any = Pattern.AnyOf([Parsed("^a"), Parsed("b$"), Parsed("(?i)c")])!;

        Assert.True(any.IsMatch("ax"u8));
        Assert.True(any.IsMatch("xb"u8));
        Assert.True(any.IsMatch("xCx"u8));
        Assert.False(any.IsMatch("xax"u8));
    }

    [Theory]
    [InlineData("(a*)*b")]
    [InlineData("(a|aa)+$b")]
    [InlineData("(.*)(.*)(.*)(.*)(.*)x$")]
    [InlineData("a.{0,200}b.{0,100}c")]
    public void A_pattern_made_to_backtrack_takes_linear_time(string pattern) =>
        Assert.False(Parsed(pattern).IsMatch(Encoding.UTF8.GetBytes(new string('a', 20_000))));

    [Fact]
    public void A_pattern_with_too_many_states_for_a_table_is_simulated()
    {
        var pattern = Parsed("^(a|b)*a(a|b){20}$");

        Assert.Null(pattern.Dfa);
        Assert.True(pattern.IsMatch(Encoding.UTF8.GetBytes("bb" + "a" + new string('b', 20))));
        Assert.False(pattern.IsMatch(Encoding.UTF8.GetBytes("aa" + "b" + new string('b', 20))));
    }

    [Fact]
    public void A_pattern_that_would_not_fit_into_memory_is_refused()
    {
        Assert.Null(Pattern.Parse("(\\pL{30}\\pN{30}\\pS{30}){33}", out var problem));
        Assert.Contains("too large", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(?i)[^a-z\\pL]{3,}x?(?:.*|\\d+){0,4}$")]
    [InlineData("(\\pL{30}\\pN{30}){2}|^[\\x{80}-\\x{10FFFE}]*")]
    [InlineData("(.{1,1000})")]
    [InlineData("(\\pL{1000}){0}a*b+c?")]
    public void Its_size_lies_between_its_estimates(string pattern)
    {
        var node = PatternParser.Parse(pattern, out _)!;

        Assert.InRange(Nfa.Build(node)!.States.Length, Nfa.StatesAtLeast(node), Nfa.StatesAtMost(node));
    }

    [Fact]
    public void Matching_allocates_nothing()
    {
        var automaton = Parsed("(?i)(^|[\\[\",])(length|max[-_ ]?tokens)($|[\\]\",])");
        var literal = Parsed("^content");
        _ = automaton.IsMatch("max"u8) | literal.IsMatch("x"u8);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            _ = automaton.IsMatch("[\"stop\",\"Max-Tokens\"]"u8) | literal.IsMatch("content-filter"u8);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static Pattern Parsed(string text)
    {
        var pattern = Pattern.Parse(text, out var problem);
        Assert.True(pattern is not null, problem);
        return pattern;
    }

    private static bool Simulate(Pattern pattern, byte[] bytes)
    {
        using var run = new NfaRun(Nfa.Build(PatternParser.Parse(pattern.Text, out _)!)!);
        run.Step(bytes);
        return run.End();
    }

    /// <summary>Only what .NET gives the same meaning to: its <c>$</c> and its classes differ.</summary>
    private static string RandomPattern(Random random, int depth) => random.Next(depth == 0 ? 9 : 15) switch
    {
        0 => "a",
        1 => "b",
        2 => "é",
        3 => ".",
        4 => "[^a]",
        5 => "[ab_]",
        6 => "^",
        7 => "\\z",
        8 => "\\n",
        9 => "(" + RandomPattern(random, depth - 1) + ")*",
        10 => "(?:" + RandomPattern(random, depth - 1) + "){1,2}",
        11 => "(" + RandomPattern(random, depth - 1) + "|" + RandomPattern(random, depth - 1) + ")",
        12 => "(?m:^" + RandomPattern(random, depth - 1) + ")",
        13 => "(?i:" + RandomPattern(random, depth - 1) + ")",
        _ => RandomPattern(random, depth - 1) + RandomPattern(random, depth - 1),
    };
}
