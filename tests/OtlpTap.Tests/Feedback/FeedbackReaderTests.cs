using System.Text;
using OtlpTap.Feedback;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Feedback;

public sealed class FeedbackReaderTests
{
    private const string Trace = "\"trace_id\": \"0000000000000000000000000000000a\"";

    [Fact]
    public void An_object_and_an_array_of_them_are_read()
    {
        var one = Assert.Single(Read($$"""{ {{Trace}}, "span_id": "0000000000000002", "thumbs": "down", "comment": "Wrong.", "user": "ann", "name": "helpful", "id": "f-1" }"""));
        Assert.Equal((new TraceId(0, 10), new SpanId(2), FeedbackForm.Thumbs, 0.0, "thumbs_down"), (one.TraceId, one.SpanId, one.Form, one.Score!.Value, one.Label));
        Assert.Equal(("Wrong.", "ann", "helpful", "f-1"), (one.Comment, one.User, one.Name, one.Id));

        var several = Read("""[ { "response_id": "resp_1", "stars": 4 }, { "session_id": "s", "score": -3, "range": [-5, 5] }, { "session_id": "s", "label": "no good", "comment": null } ]""");
        Assert.Equal(["resp_1", null, null], several.Select(item => item.ResponseId));
        Assert.Equal([4, -3, null], several.Select(item => item.Score));
        Assert.Equal([1, -5, null], several.Select(item => item.Worst));
        Assert.Equal("no good", several[2].Label);
        Assert.All(several, item => Assert.Equal("user_feedback", item.Name));
    }

    [Theory]
    [InlineData("""{ "thumbs": "up" }""", "the body has none of trace_id, response_id, session_id: one of them says what the feedback speaks of: a trace, a response or the last answer of a session")]
    [InlineData("""{ "session_id": "s" }""", "the body has none of thumbs, stars, score, label: one of them says the opinion")]
    [InlineData("""{ "session_id": "s", "response_id": "r", "stars": 1 }""", "`session_id` is there beside `response_id`: one of trace_id, response_id, session_id says what the feedback speaks of: a trace, a response or the last answer of a session")]
    [InlineData("""{ "session_id": "s", "stars": 1, "score": 0.3 }""", "`score` is there beside `stars`: one of thumbs, stars, score, label says the opinion")]
    [InlineData("""{ "trace_id": "12", "stars": 1 }""", "`trace_id` must be 32 hexadecimal digits, not all of them 0")]
    [InlineData("""{ "trace_id": "00000000000000000000000000000000", "stars": 1 }""", "`trace_id` must be 32 hexadecimal digits, not all of them 0")]
    [InlineData("""{ "trace_id": 12, "stars": 1 }""", "`trace_id` must be a text")]
    [InlineData("""{ "trace_id": "0000000000000000000000000000000a", "span_id": "x", "stars": 1 }""", "`span_id` must be 16 hexadecimal digits, not all of them 0")]
    [InlineData("""{ "session_id": "s", "span_id": "0000000000000001", "stars": 1 }""", "`span_id` needs the `trace_id` of its trace")]
    [InlineData("""{ "session_id": "", "stars": 1 }""", "`session_id` must be a text")]
    [InlineData("""{ "session_id": "s", "thumbs": "sideways" }""", "`thumbs` must be \"up\" or \"down\"")]
    [InlineData("""{ "session_id": "s", "thumbs": true }""", "`thumbs` must be a text")]
    [InlineData("""{ "session_id": "s", "stars": 0 }""", "`stars` must be a whole number from 1 to 5")]
    [InlineData("""{ "session_id": "s", "stars": 3.5 }""", "`stars` must be a whole number from 1 to 5")]
    [InlineData("""{ "session_id": "s", "stars": "3" }""", "`stars` must be a whole number from 1 to 5")]
    [InlineData("""{ "session_id": "s", "score": 1e999 }""", "`score` must be a number")]
    [InlineData("""{ "session_id": "s", "score": "NaN" }""", "`score` must be a number")]
    [InlineData("""{ "session_id": "s", "score": 7 }""", "`score` must be from 0 to 1, as `range` says or by default")]
    [InlineData("""{ "session_id": "s", "score": 7, "range": [5, 1] }""", "`score` must be from 5 to 1, as `range` says or by default")]
    [InlineData("""{ "session_id": "s", "score": 1, "range": [1, 1] }""", "`range` must be two numbers, the worst and the best, as [0, 1]")]
    [InlineData("""{ "session_id": "s", "score": 7, "range": [0, 1e400] }""", "`range` must be two numbers, the worst and the best, as [0, 1]")]
    [InlineData("""{ "session_id": "s", "stars": 2, "range": [0, 1] }""", "`range` is the scale of `score`, which is not there")]
    [InlineData("""{ "session_id": "s", "stars": 2, "coment": "x" }""", "`coment` is not known; there are id, trace_id, response_id, session_id, span_id, thumbs, stars, score, label, range, comment, user, name")]
    [InlineData("""{ "session_id": "s", "stars": 2, "stars": 3 }""", "`stars` is there twice")]
    [InlineData("""{ "session_id": "s", "stars": 2, "comment": "\ud800" }""", "`comment` must be a text")]
    [InlineData("""{ "session_id": "s", "stars": 2, "\udfff": 1 }""", "`?` is not known; there are id, trace_id, response_id, session_id, span_id, thumbs, stars, score, label, range, comment, user, name")]
    [InlineData("""[ { "session_id": "s", "stars": 2 }, { "session_id": "s", "stars": 9 } ]""", "`[1].stars` must be a whole number from 1 to 5")]
    [InlineData("""[ 7 ]""", "`[0]` must be an object")]
    [InlineData("""[ { "stars": 7, "session_id": "s" }, [] ]""", "`[0].stars` must be a whole number from 1 to 5; `[1]` must be an object")]
    [InlineData("7", "the body must be an object or an array of objects")]
    [InlineData("[]", "the array is empty")]
    public void A_problem_names_the_member(string json, string problem) => Assert.Equal(problem, string.Join("; ", Problems(json)));

    [Theory]
    [InlineData("id", 128)]
    [InlineData("response_id", 256)]
    [InlineData("label", 64)]
    [InlineData("comment", 4096)]
    [InlineData("user", 256)]
    [InlineData("name", 64)]
    public void A_text_may_be_so_long_and_no_longer(string member, int length)
    {
        Assert.Empty(Problems(Json(length)));
        Assert.Equal([$"`{member}` must be no longer than {length} characters"], Problems(Json(length + 1)));

        string Json(int characters)
        {
            var opinion = member == "label" ? "" : "\"stars\": 1, ";
            var target = member == "response_id" ? "" : "\"session_id\": \"s\", ";
            return $$"""{ {{opinion}}{{target}}"{{member}}": "{{new string('ä', characters)}}" }""";
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{ \"score\": NaN }")]
    [InlineData("{ \"score\": 01 }")]
    [InlineData("{} {}")]
    [InlineData("// nothing")]
    [InlineData("\"\\ud800")]
    public void What_is_no_JSON_is_said_to_be_none(string json) =>
        Assert.StartsWith("the body is no JSON that could be feedback: ", Assert.Single(Problems(json)), StringComparison.Ordinal);

    [Fact]
    public void Depth_and_bytes_that_are_no_text_are_refused()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 100_000));
        Assert.StartsWith("the body is no JSON", Assert.Single(Problems(deep)), StringComparison.Ordinal);

        var problems = new FeedbackProblems();
        FeedbackReader.Read([.. "{ \"session_id\": \"s\", \"label\": \""u8, 0xff, 0xfe, .. "\" }"u8], 1, problems);
        Assert.Equal(["`label` must be a text"], problems.Texts);
    }

    [Fact]
    public void So_many_items_are_taken_and_so_many_problems_told()
    {
        var items = $"[{string.Join(",", Enumerable.Repeat("""{ "session_id": "s", "stars": 7 }""", 30))}]";

        Assert.Equal(21, Problems(items, itemsMax: 30).Count);
        Assert.Equal("and more", Problems(items, itemsMax: 30)[^1]);
        Assert.Equal(["the array has 30 items; 29 are taken at once (processors.tap.feedback.explicit.max_items)"], Problems(items, itemsMax: 29));
        Assert.Equal(["`" + new string('x', 64) + "...` is not known; there are id, trace_id, response_id, session_id, span_id, thumbs, stars, score, label, range, comment, user, name"], Problems($$"""{ "session_id": "s", "stars": 1, "{{new string('x', 100_000)}}": 1 }"""));
    }

    private static IReadOnlyList<FeedbackItem> Read(string json)
    {
        var problems = new FeedbackProblems();
        var items = FeedbackReader.Read(Encoding.UTF8.GetBytes(json), 100, problems);
        Assert.Empty(problems.Texts);
        return items;
    }

    private static IReadOnlyList<string> Problems(string json, int itemsMax = 100)
    {
        var problems = new FeedbackProblems();
        var items = FeedbackReader.Read(Encoding.UTF8.GetBytes(json), itemsMax, problems);
        Assert.Equal(problems.Any, items.Count == 0);
        return problems.Texts;
    }
}
