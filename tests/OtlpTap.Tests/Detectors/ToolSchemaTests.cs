using System.Text;
using System.Text.Json;
using OtlpTap.Detectors.Schema;

namespace OtlpTap.Tests.Detectors;

public sealed class ToolSchemaTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("""{"type":"integer"}""", "1.5")]
    [InlineData("""{"type":["string","null"]}""", "1")]
    [InlineData("""{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}""", """{"a":1}""")]
    [InlineData("""{"required":["a"]}""", """{"b":1}""")]
    [InlineData("""{"properties":{"a":true},"additionalProperties":false}""", """{"b":1}""")]
    [InlineData("""{"patternProperties":{"^x":{"type":"string"}},"additionalProperties":false}""", """{"x":1}""")]
    [InlineData("""{"propertyNames":{"maxLength":2}}""", """{"abc":1}""")]
    [InlineData("""{"items":{"type":"string"}}""", "[1]")]
    [InlineData("""{"prefixItems":[{"type":"string"}],"items":false}""", """["a",1]""")]
    [InlineData("""{"items":[{"type":"string"}],"additionalItems":false}""", """["a",1]""")]
    [InlineData("""{"contains":{"const":1},"minContains":2}""", "[1,2]")]
    [InlineData("""{"uniqueItems":true}""", "[1,1]")]
    [InlineData("""{"enum":["a",{"b":1}]}""", """{"b":2}""")]
    [InlineData("""{"const":1}""", "2")]
    [InlineData("""{"minimum":1,"maximum":3}""", "4")]
    [InlineData("""{"exclusiveMinimum":1}""", "1")]
    [InlineData("""{"minimum":1,"exclusiveMinimum":true}""", "1")]
    [InlineData("""{"multipleOf":0.1}""", "0.35")]
    [InlineData("""{"minLength":2}""", "\"\\ud83d\\ude00\"")]
    [InlineData("""{"pattern":"^a+$"}""", "\"ab\"")]
    [InlineData("""{"allOf":[{"type":"string"},{"minLength":3}]}""", "\"ab\"")]
    [InlineData("""{"anyOf":[{"type":"string"},{"type":"null"}]}""", "1")]
    [InlineData("""{"oneOf":[{"type":"number"},{"type":"integer"}]}""", "1")]
    [InlineData("""{"not":{"type":"string"}}""", "\"a\"")]
    [InlineData("""{"if":{"required":["a"]},"then":{"required":["b"]}}""", """{"a":1}""")]
    [InlineData("""{"dependentRequired":{"a":["b"]}}""", """{"a":1}""")]
    [InlineData("""{"dependencies":{"a":["b"]}}""", """{"a":1}""")]
    [InlineData("""{"$ref":"#/$defs/n","$defs":{"n":{"properties":{"next":{"$ref":"#/$defs/n"}},"required":["v"]}}}""", """{"v":1,"next":{"v":1,"next":{}}}""")]
    public void Refuses_what_does_not_fit(string schema, string value) => Assert.True(Refuses(schema, value));

    [Theory]
    [InlineData("""{"type":"integer"}""", "1.0")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}}}""", """{"a":null}""")]
    [InlineData("""{"type":"string","nullable":true}""", "null")]
    [InlineData("""{"multipleOf":0.1}""", "0.3")]
    [InlineData("""{"maxLength":1}""", "\"\\ud83d\\ude00\"")]
    [InlineData("""{"format":"date"}""", "\"tomorrow\"")]
    [InlineData("""{"type":"strange"}""", "1")]
    [InlineData("""{"properties":7,"required":"a"}""", "{}")]
    [InlineData("true", "1")]
    public void Takes_what_fits_and_what_no_keyword_speaks_of(string schema, string value) => Assert.False(Refuses(schema, value));

    [Theory]
    [InlineData("""{"$ref":"https://example.com/schema"}""")]
    [InlineData("""{"$ref":"#/$defs/missing"}""")]
    [InlineData("""{"$ref":"#"}""")]
    [InlineData("""{"$ref":"#/a","a":{"$ref":"#/b"},"b":{"$ref":"#/a"}}""")]
    [InlineData("""{"pattern":"(?=a)b"}""")]
    [InlineData("""{"pattern":"(a)\\1"}""")]
    [InlineData("""{"not":{"pattern":"(?=a)b"}}""")]
    [InlineData("""{"pattern":"((("}""")]
    public void What_cannot_be_decided_is_not_refused(string schema) => Assert.False(Refuses(schema, "\"a\""));

    [Fact]
    public void A_pattern_made_to_backtrack_takes_linear_time()
    {
        // A pattern has 50 ms by the clock. So many characters are done in a part of one, and two to their power of ways in no time at all.
        Assert.True(Refuses("""{"pattern":"^(a+)+$"}""", $"\"{new string('a', 2_000)}!\""));
    }

    [Fact]
    public void Branches_of_branches_end_at_the_bound_of_work()
    {
        // Two references at each of sixty levels: 2^60 ways, were they all gone.
        var schema = new StringBuilder("""{"$ref":"#/$defs/n0","$defs":{""");
        for (var i = 0; i < 60; i++)
        {
            schema.Append($$"""{{(i > 0 ? "," : "")}}"n{{i}}":{"anyOf":[{"$ref":"#/$defs/n{{i + 1}}"},{"$ref":"#/$defs/n{{i + 1}}"}]}""");
        }

        schema.Append(""","n60":{"type":"string"}}}""");
        Assert.True(ProcessorTime.Of(() => Assert.False(Refuses(schema.ToString(), "1"))) < Soon);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("\"text\"")]
    public void What_is_no_schema_is_none(string text) => Assert.Null(ToolSchema.Read(text));

    [Fact]
    public void A_schema_nested_or_long_without_end_is_none()
    {
        Assert.Null(ToolSchema.Read(string.Concat(Enumerable.Repeat("""{"not":""", 5000)) + "true" + new string('}', 5000)));
        Assert.Null(ToolSchema.Read($$"""{"description":"{{new string('x', ToolSchema.TextCharsMax)}}"}"""));
    }

    private static bool Refuses(string schema, string value)
    {
        using var tool = ToolSchema.Read(schema)!;
        using var document = JsonDocument.Parse(value);
        return tool.Refuses(document.RootElement, out _);
    }
}
