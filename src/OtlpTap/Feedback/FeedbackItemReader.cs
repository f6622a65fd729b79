using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Feedback;

/// <summary>
/// Reads one item of a body:
/// <code>
///   { "id"?, "trace_id" [, "span_id"] | "response_id" | "session_id",
///     "thumbs": "up" | "down", or "stars": 1 to 5, or "score": 0.2 [, "range": [0, 1]], or "label": "...",
///     "comment"?, "user"?, "name"? }
/// </code>
/// </summary>
internal readonly struct FeedbackItemReader
{
    private const int IdLengthMax = 128;
    private const int ReferenceLengthMax = 256;
    private const int LabelLengthMax = 64;
    private const int CommentLengthMax = 4096;
    private const int UserLengthMax = 256;
    private const int NameLengthMax = 64;

    private static readonly string[] Targets = ["trace_id", "response_id", "session_id"];
    private static readonly string[] Forms = ["thumbs", "stars", "score", "label"];
    private static readonly string[] Members = ["id", .. Targets, "span_id", .. Forms, "range", "comment", "user", "name"];

    private readonly Dictionary<string, JsonElement> _members;
    private readonly string _prefix;
    private readonly FeedbackProblems _problems;

    private FeedbackItemReader(string prefix, FeedbackProblems problems)
    {
        _members = [];
        _prefix = prefix;
        _problems = problems;
    }

    /// <param name="place">As <c>[3]</c>; empty for a body that is no array.</param>
    public static FeedbackItem Read(JsonElement element, string place, FeedbackProblems problems)
    {
        var reader = new FeedbackItemReader(place.Length == 0 ? "" : $"{place}.", problems);
        if (element.ValueKind != JsonValueKind.Object)
        {
            problems.Add(place, place.Length == 0 ? "the body must be an object or an array of objects" : "must be an object");
            return new FeedbackItem();
        }

        reader.Collect(element);
        return reader.Read();
    }

    // null says nothing, as where a member is not there.
    private void Collect(JsonElement element)
    {
        foreach (var property in element.EnumerateObject())
        {
            if (NameOf(property) is not { } name || Array.IndexOf(Members, name) < 0)
            {
                Problem(NameOf(property) ?? "?", $"is not known; there are {string.Join(", ", Members)}");
            }
            else if (!_members.TryAdd(name, property.Value))
            {
                Problem(name, "is there twice");
            }
        }

        foreach (var (name, _) in _members.Where(member => member.Value.ValueKind == JsonValueKind.Null).ToList())
        {
            _members.Remove(name);
        }
    }

    private FeedbackItem Read()
    {
        One(Targets, "what the feedback speaks of: a trace, a response or the last answer of a session");
        var form = One(Forms, "the opinion");
        var item = new FeedbackItem
        {
            Id = Text("id", IdLengthMax),
            TraceId = Trace(),
            SpanId = Span(),
            ResponseId = Text("response_id", ReferenceLengthMax),
            SessionId = Text("session_id", ReferenceLengthMax),
            Comment = Text("comment", CommentLengthMax, mayBeEmpty: true),
            User = Text("user", UserLengthMax, mayBeEmpty: true),
            Name = Text("name", NameLengthMax) ?? FeedbackItem.DefaultName,
        };
        if (_members.ContainsKey("range") && form != "score")
        {
            Problem("range", "is the scale of `score`, which is not there");
        }

        return form switch
        {
            "thumbs" => Thumbs(item),
            "stars" => Stars(item),
            "score" => Score(item),
            _ => item with { Form = FeedbackForm.Label, Label = Text("label", LabelLengthMax) },
        };
    }

    private FeedbackItem Thumbs(FeedbackItem item)
    {
        var isUp = Text("thumbs", LabelLengthMax) is var thumbs && thumbs == "up";
        if (thumbs is not (null or "up" or "down"))
        {
            Problem("thumbs", "must be \"up\" or \"down\"");
        }

        return item with { Form = FeedbackForm.Thumbs, Score = isUp ? 1 : 0, Worst = 0, Best = 1, Label = isUp ? "thumbs_up" : "thumbs_down" };
    }

    private FeedbackItem Stars(FeedbackItem item)
    {
        var stars = Number(_members["stars"]);
        if (stars is not (1 or 2 or 3 or 4 or 5))
        {
            Problem("stars", "must be a whole number from 1 to 5");
        }

        return item with { Form = FeedbackForm.Stars, Score = stars, Worst = 1, Best = 5 };
    }

    private FeedbackItem Score(FeedbackItem item)
    {
        var (worst, best) = Range();
        var score = Number(_members["score"]);
        if (score is null)
        {
            Problem("score", "must be a number");
        }
        else if (best != worst && !(score >= Math.Min(worst, best) && score <= Math.Max(worst, best)))
        {
            Problem("score", FormattableString.Invariant($"must be from {worst:R} to {best:R}, as `range` says or by default"));
        }

        return item with { Form = FeedbackForm.Score, Score = score, Worst = worst, Best = best };
    }

    private (double Worst, double Best) Range()
    {
        if (!_members.TryGetValue("range", out var range))
        {
            return (0, 1);
        }

        if (range.ValueKind == JsonValueKind.Array && range.GetArrayLength() == 2 && Number(range[0]) is { } worst && Number(range[1]) is { } best && worst != best)
        {
            return (worst, best);
        }

        Problem("range", "must be two numbers, the worst and the best, as [0, 1]");
        return (0, 0);
    }

    private TraceId Trace()
    {
        if (Text("trace_id", ReferenceLengthMax) is not { } text)
        {
            return default;
        }

        if (!TraceId.TryParse(text, out var id) || id.IsZero)
        {
            Problem("trace_id", "must be 32 hexadecimal digits, not all of them 0");
        }

        return id;
    }

    private SpanId Span()
    {
        if (Text("span_id", ReferenceLengthMax) is not { } text)
        {
            return default;
        }

        if (!SpanId.TryParse(text, out var id) || id.IsZero)
        {
            Problem("span_id", "must be 16 hexadecimal digits, not all of them 0");
        }
        else if (!_members.ContainsKey("trace_id"))
        {
            Problem("span_id", "needs the `trace_id` of its trace");
        }

        return id;
    }

    /// <summary>The member of these that is there; exactly one has to be.</summary>
    private string? One(string[] names, string what)
    {
        string? found = null;
        foreach (var name in names)
        {
            if (!_members.ContainsKey(name))
            {
                continue;
            }

            if (found is not null)
            {
                Problem(name, $"is there beside `{found}`: one of {string.Join(", ", names)} says {what}");
            }

            found ??= name;
        }

        if (found is null)
        {
            _problems.Add(_prefix.TrimEnd('.'), $"{(_prefix.Length == 0 ? "the body " : "")}has none of {string.Join(", ", names)}: one of them says {what}");
        }

        return found;
    }

    private string? Text(string name, int lengthMax, bool mayBeEmpty = false)
    {
        if (!_members.TryGetValue(name, out var value))
        {
            return null;
        }

        var text = TextOf(value);
        if (text is null || (text.Length == 0 && !mayBeEmpty))
        {
            Problem(name, "must be a text");
            return null;
        }

        if (text.Length > lengthMax)
        {
            Problem(name, $"must be no longer than {lengthMax} characters");
            return null;
        }

        return text.Length == 0 ? null : text;
    }

    private void Problem(string name, string problem) => _problems.Add(_prefix + name, problem);

    // 1e999 is a number to JSON.
    private static double? Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number : null;

    // Half of a surrogate pair, escaped, or bytes that are no UTF-8.
    private static string? TextOf(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static string? NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
