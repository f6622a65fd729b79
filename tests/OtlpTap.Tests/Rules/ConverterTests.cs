using Microsoft.Extensions.Time.Testing;
using OtlpTap.Rules;
using OtlpTap.Rules.Expressions;
using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Values;

namespace OtlpTap.Tests.Rules;

/// <summary>What converters do where the reference's recorded outcomes do not reach.</summary>
public sealed class ConverterTests
{
    private static readonly FakeTimeProvider Clock = new(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));

    [Theory]
    [InlineData("GetXML(\"<a><b>1</b><b x='y'>2</b></a>\", \"/a/b\") == \"<b>1</b><b x=\\\"y\\\">2</b>\"")]
    [InlineData("GetXML(\"<a x='1&amp;2'/>\", \"//@x\") == \"1&amp;2\"")]
    [InlineData("GetXML(\"\", \"/a\") == \"\"")]
    [InlineData("RemoveXML(\"<a><b>1</b><b x='y'>2</b></a>\", \"//b[@x='y']\") == \"<a><b>1</b></a>\"")]
    [InlineData("RemoveXML(\"<?xml version=\\\"1.0\\\"?><a><!--x-->y</a>\", \"//comment()\") == \"<?xml version=\\\"1.0\\\"?><a>y</a>\"")]
    [InlineData("InsertXML(\"<p:a></p:a>\", \"/p:a\", \"<b/>\") == \"<p:a><b></b></p:a>\"")]
    [InlineData("InsertXML(\"\", \"/\", \"<b/>\") == \"<b></b>\"")]
    [InlineData("ConvertAttributesToElementsXML(\"<a x='1'/>\") == \"<a><x>1</x></a>\"")]
    [InlineData("ConvertTextToElementsXML(\"<a>x<b/>y</a>\", element_name=\"t\") == \"<a><t>x</t><b></b><t>y</t></a>\"")]
    [InlineData("ParseSimplifiedXML(\"<a><b>1</b><b>2</b><c><d>3</d></c></a>\") == {\"a\": {\"b\": [\"1\", \"2\"], \"c\": {\"d\": \"3\"}}}")]
    [InlineData("ParseXML(\"<p:a y='2'><![CDATA[<x>]]><b/></p:a>\") == {\"tag\": \"a\", \"content\": \"<x>\", \"attributes\": {\"y\": \"2\"}, \"children\": [{\"tag\": \"b\"}]}")]
    public void Xml(string condition) => AssertTrue(condition);

    [Theory]
    [InlineData("Decode(0xe4, \"ISO-8859-1\") == \"ä\" and Decode(0xe4, \"windows-1252\") == \"ä\"")]
    [InlineData("Decode(0x82a0, \"Shift_JIS\") == \"あ\"")]
    [InlineData("Decode(0x61ff62, \"utf-8\") == \"a\\ufffdb\"")]
    [InlineData("Len(Decode(0x61ff62, \"utf-8-raw\")) == 3")]
    public void Character_sets(string condition) => AssertTrue(condition);

    [Theory]
    [InlineData("Hour(Time(\"2023-11-14 22:13:20 EST\", \"%Y-%m-%d %H:%M:%S %Z\", \"America/New_York\")) == 22")]
    [InlineData("FormatTime(Time(\"2023-11-14 22:13:20 EST\", \"%Y-%m-%d %H:%M:%S %Z\", \"America/New_York\"), \"%H %Z %z\") == \"22 EST -0500\"")]
    [InlineData("FormatTime(Time(\"2050-07-01 12:00:00\", \"%Y-%m-%d %H:%M:%S\", \"Europe/Berlin\"), \"%Z %j\") == \"CEST +02:00\"")]
    [InlineData("FormatTime(Time(\"1950-07-01\", \"%Y-%m-%d\", \"Asia/Kolkata\"), \"%Z %z\") == \"IST +0530\"")]
    [InlineData("Time(\"14 novembre 2023\", \"%d %B %Y\", locale=\"fr\") == Unix(1699920000)")]
    [InlineData("Time(\"Tue Nov 14 22:13:20 2023\", \"%c\") == Unix(1700000000)")]
    [InlineData("Time(\"2023-11-14T22:13:20+00:00\", \"%FT%T%z\") == Unix(1700000000)")]
    [InlineData("Year(Time(\"02-20\", \"%m-%d\")) == 2026 and Year(Time(\"12-31\", \"%m-%d\")) == 2025")]
    [InlineData("Now() == Unix(1772323200)")]
    [InlineData("Unix(-62135596800) == Time(\"0001-01-01\", \"%Y-%m-%d\")")]
    [InlineData("Day(Unix(951782400)) == 29 and Weekday(Unix(951782400)) == 2 and Month(Unix(-1)) == 12")]
    public void Times(string condition) => AssertTrue(condition);

    [Theory]
    [InlineData("Format(\"%v|%v\", [Unix(1700000000, 5), Duration(\"90m\")]) == \"2023-11-14 22:13:20.000000005 +0000 UTC|1h30m0s\"")]
    [InlineData("Format(\"%e %.3g %8.3f|%+.2e\", [123456.789, 0.00012345, 3.14159, -1.5]) == \"1.234568e+05 0.000123    3.142|-1.50e+00\"")]
    [InlineData("Format(\"%q %x %08b %o %#o %c %U\", [\"a\\\"\", \"hi\", 5, 8, 8, 65, 233]) == \"\\\"a\\\\\\\"\\\" 6869 00000101 10 010 A U+00E9\"")]
    [InlineData("Format(\"%.0f %.0f %.0f %.1f\", [0.5, 1.5, 2.5, 0.25]) == \"0 2 2 0.2\"")]
    [InlineData("Format(\"%x %X %b\", [1.5, 1.0, 1.0]) == \"0x1.8p+00 0X1P+00 4503599627370496p-52\"")]
    [InlineData("Format(\"%#v\", [[1, \"a\", nil]]) == \"[]interface {}{1, \\\"a\\\", interface {}(nil)}\"")]
    [InlineData("Format(\"%6.2f|%-8s|%08.3f|% d\", [3.14159, \"ab\", -3.14159, 5]) == \"  3.14|ab      |-003.142| 5\"")]
    public void Formats(string condition) => AssertTrue(condition);

    [Theory]
    [InlineData("ExtractPatterns(\"aaa\", \"(?P<x>a+?)(?P<y>a*)\") == {\"x\": \"a\", \"y\": \"aa\"}")]
    [InlineData("ExtractPatterns(\"foo=1 bar\", \"(?i)(?P<k>FOO)=(?P<v>\\\\d)\") == {\"k\": \"foo\", \"v\": \"1\"}")]
    [InlineData("ExtractPatterns(\"abcd\", \"(?P<x>ab|abc)(?P<y>cd|d)\") == {\"x\": \"ab\", \"y\": \"cd\"}")]
    [InlineData("ExtractPatterns(\"a\\nb\", \"(?m)^(?P<x>b)$\") == {\"x\": \"b\"}")]
    [InlineData("ExtractPatterns(\"日本\", \"(?P<x>.)$\") == {\"x\": \"本\"}")]
    [InlineData("ExtractPatterns(\"xay\", \"(?U)x(?P<a>.*)(?P<b>y?)\") == {\"a\": \"\", \"b\": \"\"}")]
    [InlineData("ExtractGrokPatterns(\"55.3.244.1 GET /index.html 15824 0.043\", \"%{IP:client} %{WORD:method} %{URIPATHPARAM:request} %{NUMBER:bytes:int} %{NUMBER:duration:float}\")[\"duration\"] == 0.043")]
    [InlineData("ExtractGrokPatterns(\"2023-11-14T22:13:20Z INFO hi\", \"%{TIMESTAMP_ISO8601:ts} %{LOGLEVEL:log.level} %{GREEDYDATA:msg}\")[\"log.level\"] == \"INFO\"")]
    [InlineData("ExtractGrokPatterns(\"id 7\", \"id %{ID:id:int}\", true, [\"ID=[0-9]\"]) == {\"id\": 7}")]
    [InlineData("ExtractGrokPatterns(\"fe80::1 x\", \"%{IPV6:ip} %{WORD:w}\", true)[\"ip\"] == \"fe80::1\"")]
    public void Patterns(string condition) => AssertTrue(condition);

    [Theory]
    [InlineData("UserAgent(\"curl/7.81.0\")[\"user_agent.version\"] == \"7.81.0\"")]
    [InlineData("UserAgent(\"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Safari/605.1.15\")[\"os.version\"] == \"10.15.7\"")]
    [InlineData("UserAgent(\"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0\")[\"user_agent.name\"] == \"Firefox\"")]
    [InlineData("IsInCIDR(\"::ffff:10.1.2.3\", [\"10.0.0.0/8\"]) and not IsInCIDR(\"010.1.2.3\", [\"10.0.0.0/8\"]) and IsInCIDR(\"2001:db8::1\", [\"2001:db8::/32\"])")]
    [InlineData("Int(\"0x10\") == nil and Double(\"0x1p-2\") == 0.25 and ParseInt(\"0b1_01\", 0) == 5")]
    [InlineData("String([1.0e-7, 1.0e21, 0.1, -0.0]) == \"[1e-07,1e+21,0.1,-0]\"")]
    [InlineData("ParseCSV(\"\\\"a\\nb\\\",c\", \"x,y\")[\"x\"] == \"a\\nb\"")]
    [InlineData("ParseCSV(\"a \\\"b\\\",c\", \"x,y\", mode=\"lazyQuotes\")[\"x\"] == \"a \\\"b\\\"\"")]
    [InlineData("ParseKeyValue(\"a='x y' b=\\\"2\\\"\") == {\"a\": \"x y\", \"b\": \"2\"}")]
    [InlineData("ToUpperCase(\"ıſ\") == \"IS\" and ToLowerCase(\"İ\") == \"i\"")]
    [InlineData("Base64Decode(\"aGVs\\nbG8=\") == \"hello\"")]
    public void Others(string condition) => AssertTrue(condition);

    [Theory]
    [InlineData("GetXML(\"<a/>\", \"/a[\") == \"\"", "is no XPath")]
    [InlineData("ExtractGrokPatterns(\"a\", \"%{WROD:a}\") == nil", "The pattern WROD is unknown; did you mean WORD?")]
    [InlineData("HasPrefx(span.name, \"a\")", "There is no converter named HasPrefx; did you mean HasPrefix?")]
    [InlineData("HasPrefix(span.name, sufix=\"a\")", "HasPrefix has no parameter named sufix")]
    [InlineData("span.kind == SPAN_KIND_CLENT", "There is no enum symbol SPAN_KIND_CLENT; did you mean SPAN_KIND_CLIENT?")]
    [InlineData("FormatTime(span.start_time, \"%Q\") == \"\"", "The directive %Q is unknown")]
    [InlineData("Time(span.name, \"%Y\", \"Europe/Nowhere\") == nil", "The time zone Europe/Nowhere is unknown")]
    [InlineData("Substring(span.name, 1) == \"a\"", "Substring takes 3 to 4 arguments (target, start, length, utf8_safe), not 2.")]
    [InlineData("IsString(5)", "This argument does not fit: expected string but got int64.")]
    public void What_cannot_be_is_refused_with_a_reason(string condition, string reason)
    {
        var problems = new List<OttlProblem>();

        Assert.Null(OttlCondition.Parse(condition, RuleContext.Span, allowBarePaths: false, Clock, problems));
        Assert.Contains(reason, Assert.Single(problems).Message, StringComparison.Ordinal);
    }

    private static void AssertTrue(string condition)
    {
        var problems = new List<OttlProblem>();
        var parsed = OttlCondition.Parse(condition, RuleContext.Span, allowBarePaths: false, Clock, problems);
        Assert.True(parsed is not null, string.Join("; ", problems.Select(problem => problem.Message)));
        var outcome = parsed.Evaluate(TelemetryItem.SpansOf(new TraceBuilder().Span("span").Request.ResourceSpans).Single());
        Assert.True(outcome.Outcome == Outcome.True, $"{condition}: {outcome}");
    }
}
