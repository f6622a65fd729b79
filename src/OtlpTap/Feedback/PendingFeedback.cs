using System.Text;
using OtlpTap.Evaluations;
using OtlpTap.Verdicts;

namespace OtlpTap.Feedback;

/// <summary>Feedback on its way to what it speaks of.</summary>
/// <param name="Mark">Of its id.</param>
/// <param name="Item">As it may be told.</param>
/// <param name="Before">What was told of the same id; null: nothing.</param>
internal sealed record PendingFeedback(UInt128 Mark, FeedbackItem Item, OpinionValue Value, OpinionValue? Before)
{
    /// <summary>Of one that names no trace.</summary>
    public EvaluationTarget Target { get; } = new(default, default, IsCertain: false, MarkOf(Item.ResponseId), MarkOf(Item.SessionId));

    private static ulong MarkOf(string? id) => id is null ? 0 : ReferenceTable.MarkOf(Encoding.UTF8.GetBytes(id));
}
