using System.Runtime.InteropServices;
using OtlpTap.Otlp;

namespace OtlpTap.Validate;

/// <summary>What is invalid in one request, and what is to become of its bytes. Made only where something is.</summary>
internal sealed class Findings(Signal signal)
{
    /// <summary>
    /// A request that needs more places changed is refused as a whole. Neighbours that go are one place, so that only
    /// one made to cost memory comes there: honest requests have 8,192 items or fewer.
    /// </summary>
    public const int EditsMax = 1 << 16;

    private static readonly int ReasonCount = Enum.GetValues<InvalidReason>().Length;

    private readonly List<Edit> _edits = [];
    private readonly List<Problem> _problems = [];
    private readonly long[] _rejectedBy = new long[ReasonCount];
    private readonly long[] _repairedBy = new long[ReasonCount];

    public Signal Signal => signal;

    /// <summary>Spans, log records or data points that do not go on.</summary>
    public int Rejected { get; private set; }

    /// <summary>Values mended or left out of items that go on.</summary>
    public int Repaired { get; private set; }

    /// <summary>Beyond <see cref="EditsMax"/>: the edits are not whole, and the request is to be refused.</summary>
    public bool AreTooMany { get; private set; }

    /// <summary>In the order of the bytes, none within another.</summary>
    public ReadOnlySpan<Edit> Edits => CollectionsMarshal.AsSpan(_edits);

    /// <summary>The first few of what led to a rejection.</summary>
    public IReadOnlyList<Problem> Problems => _problems;

    public long RejectedBy(InvalidReason reason) => _rejectedBy[(int)reason];

    public long RepairedBy(InvalidReason reason) => _repairedBy[(int)reason];

    /// <summary>What was noted so far, for <see cref="ReturnTo"/>.</summary>
    internal int EditCount => _edits.Count;

    /// <summary>Forgets what was to be changed since then: all of it lies in what is now left out as a whole.</summary>
    internal void ReturnTo(int editCount) => _edits.RemoveRange(editCount, _edits.Count - editCount);

    internal void Add(in Edit edit)
    {
        if (edit.Kind == EditKind.Cut && _edits.Count > 0 && _edits[^1] is { Kind: EditKind.Cut } last
            && last.End == edit.Start && last.Value == edit.Value && last.IsRepair == edit.IsRepair && !edit.IsRepair)
        {
            _edits[^1] = last with { End = edit.End };
        }
        else if (_edits.Count == EditsMax)
        {
            AreTooMany = true;
        }
        else
        {
            _edits.Add(edit);
        }
    }

    /// <summary>In place of what was noted for the same field since <paramref name="editCount"/>, if anything was.</summary>
    internal void Replace(in Edit edit, int editCount)
    {
        for (var i = editCount; i < _edits.Count; i++)
        {
            if (_edits[i].Start == edit.Start)
            {
                _edits[i] = edit;
                return;
            }
        }

        Add(in edit);
    }

    internal void Reject(in Problem problem, int items)
    {
        Rejected += items;
        _rejectedBy[(int)problem.Reason] += items;
        if (_problems.Count < ProblemText.DescribedMax)
        {
            _problems.Add(problem);
        }
    }

    /// <summary>Puts the edits in order and counts those that are repairs; nothing is added after it.</summary>
    internal void Complete()
    {
        _edits.Sort(static (left, right) => left.Start.CompareTo(right.Start));
        foreach (ref readonly var edit in Edits)
        {
            if (edit is { IsRepair: true })
            {
                Repaired++;
                _repairedBy[(int)edit.Reason]++;
            }
        }
    }
}
