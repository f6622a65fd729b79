namespace OtlpTap.Feedback;

/// <summary>What is wrong with a body, for whoever sent it; the first so many of it.</summary>
internal sealed class FeedbackProblems
{
    private const int CountMax = 20;

    // A member's name is the sender's own text.
    private const int MemberLengthMax = 64;

    private readonly List<string> _texts = [];

    public IReadOnlyList<string> Texts => _texts;

    public bool Any => _texts.Count > 0;

    /// <param name="member">As <c>[3].stars</c>; empty for the body as a whole.</param>
    public void Add(string member, string problem)
    {
        if (_texts.Count < CountMax)
        {
            _texts.Add(member.Length == 0 ? problem : $"`{(member.Length <= MemberLengthMax ? member : $"{member[..MemberLengthMax]}...")}` {problem}");
        }
        else if (_texts.Count == CountMax)
        {
            _texts.Add("and more");
        }
    }
}
