using System.IO.Hashing;
using System.Text;
using OtlpTap.Otlp;

namespace OtlpTap.Feedback;

/// <summary>By what feedback is known again: its id, or where it has none an id made of its content.</summary>
internal sealed class FeedbackIdentity
{
    // Of this process alone: nobody can try out of which words an id was made, or choose ids that are one.
    private readonly long _seed = (long)(ulong)RandomKey.Create();

    /// <summary>The id in full, and the hashes of it and of what the feedback says.</summary>
    public (string Id, UInt128 Mark, UInt128 Content) Of(FeedbackItem item)
    {
        var content = Hash(FormattableString.Invariant(
            $"{item.TraceId}{item.SpanId}\0{item.ResponseId}\0{item.SessionId}\0{item.Form}\0{item.Score:R}\0{item.Worst:R}\0{item.Best:R}\0{item.Label}\0{item.Comment}\0{item.User}\0{item.Name}"));
        var id = item.Id ?? $"fb_{content:x32}";
        return (id, Hash(id), content);
    }

    private UInt128 Hash(string text) => XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(text), _seed);
}
