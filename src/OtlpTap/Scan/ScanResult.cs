using OtlpTap.Otlp;
using OtlpTap.Rules;

namespace OtlpTap.Scan;

/// <summary>
/// What one pass over a request found, as offsets into its bytes. Pooled and reused: the arrays grow to the largest
/// request seen and stay. Owned by one holder at a time; whoever takes it from the pool, or is handed it, returns it.
/// </summary>
internal sealed class ScanResult
{
    /// <summary>
    /// Matches kept of one request. A collector's batch has 8,192 spans at most by default, so honest traffic never comes
    /// near; but a hostile request has a failing span in every six bytes, and a match of twelve times that size must not
    /// be kept for each.
    /// </summary>
    public const int MatchesMax = 1 << 16;

    private TraceId[] _traceIds = new TraceId[16];
    private SpanMatch[] _matches = new SpanMatch[4];
    private ushort[] _ruleIndexes = new ushort[8];
    private int _traceIdCount;
    private int _matchCount;
    private int _ruleIndexCount;

    // Room for the scan to work in; here because the result is what is pooled. Means nothing when the scan is over.
    private Slot[] _slots = [];
    private ushort[] _hits = [];

    public Signal Signal { get; private set; }

    /// <summary>The rules that were in force; <see cref="RuleIndexes"/> point into them.</summary>
    public CompiledRules Rules { get; private set; } = CompiledRules.None;

    /// <summary>Spans, log records or metric data points.</summary>
    public int ItemCount { get; set; }

    /// <summary>
    /// The trace ids of the request's spans or log records in order of appearance, equal neighbours once
    /// (an id may come again when traces are interleaved). Zero and malformed ids are left out.
    /// </summary>
    public ReadOnlySpan<TraceId> TraceIds => _traceIds.AsSpan(0, _traceIdCount);

    /// <summary>Spans with the status ERROR, matched or not.</summary>
    public int ErrorCount { get; set; }

    /// <summary>In the order of the bytes.</summary>
    public ReadOnlySpan<SpanMatch> Matches => _matches.AsSpan(0, _matchCount);

    /// <summary>Matches beyond <see cref="MatchesMax"/>: neither tagged nor kept, to be counted as dropped.</summary>
    public int MatchesLeftOut { get; private set; }

    public ReadOnlySpan<ushort> RuleIndexes => _ruleIndexes.AsSpan(0, _ruleIndexCount);

    /// <summary>Whether some match asks for attributes to be added: a rule with <see cref="Rule.Tag"/> on a span or log record not tagged before.</summary>
    public bool NeedsTag { get; private set; }

    public ReadOnlySpan<ushort> RulesOf(in SpanMatch match) => _ruleIndexes.AsSpan(match.FirstRule, match.RuleCount);

    public void Begin(Signal signal, CompiledRules rules)
    {
        Signal = signal;
        Rules = rules;
        ItemCount = 0;
        ErrorCount = 0;
        NeedsTag = false;
        MatchesLeftOut = 0;
        _traceIdCount = 0;
        _matchCount = 0;
        _ruleIndexCount = 0;
    }

    /// <summary>What the arrays hold, used or not; a match is 80 bytes, a slot 24.</summary>
    public long RetainedBytes =>
        (16L * _traceIds.Length) + (80L * _matches.Length) + (24L * _slots.Length) + (2L * (_ruleIndexes.Length + _hits.Length));

    /// <summary>The slots that rules are evaluated on: what is in them is left over from other requests.</summary>
    public Span<Slot> SlotFrame()
    {
        if (_slots.Length < Rules.SlotCount)
        {
            _slots = new Slot[Rules.SlotCount];
        }

        return _slots.AsSpan(0, Rules.SlotCount);
    }

    /// <summary>Room for every rule to hit twice: on a span and on one of its events.</summary>
    public Span<ushort> HitBuffer()
    {
        if (_hits.Length < 2 * Rules.Count)
        {
            _hits = new ushort[2 * Rules.Count];
        }

        return _hits.AsSpan(0, 2 * Rules.Count);
    }

    /// <summary>How much was found so far, for <see cref="ReturnTo"/>.</summary>
    public Mark TakeMark() => new(ItemCount, ErrorCount, _traceIdCount, _matchCount, _ruleIndexCount, MatchesLeftOut, NeedsTag);

    /// <summary>Forgets everything found since <paramref name="mark"/> was taken.</summary>
    public void ReturnTo(in Mark mark) =>
        (ItemCount, ErrorCount, _traceIdCount, _matchCount, _ruleIndexCount, MatchesLeftOut, NeedsTag) = (mark.Items, mark.Errors, mark.TraceIds, mark.Matches, mark.RuleIndexes, mark.LeftOut, mark.NeedsTag);

    public void AddTraceId(in TraceId id)
    {
        if (id.IsZero || (_traceIdCount > 0 && _traceIds[_traceIdCount - 1] == id))
        {
            return;
        }

        if (_traceIdCount == _traceIds.Length)
        {
            Array.Resize(ref _traceIds, _traceIds.Length * 2);
        }

        _traceIds[_traceIdCount++] = id;
    }

    /// <summary>Adds a match with its rules; <see cref="SpanMatch.FirstRule"/> and <see cref="SpanMatch.RuleCount"/> are set here.</summary>
    public void AddMatch(SpanMatch match, ReadOnlySpan<ushort> rules)
    {
        if (_matchCount == MatchesMax)
        {
            MatchesLeftOut++;
            return;
        }

        while (_ruleIndexCount + rules.Length > _ruleIndexes.Length)
        {
            Array.Resize(ref _ruleIndexes, _ruleIndexes.Length * 2);
        }

        if (_matchCount == _matches.Length)
        {
            Array.Resize(ref _matches, _matches.Length * 2);
        }

        match.FirstRule = _ruleIndexCount;
        match.RuleCount = rules.Length;
        rules.CopyTo(_ruleIndexes.AsSpan(_ruleIndexCount));
        _ruleIndexCount += rules.Length;
        _matches[_matchCount++] = match;

        if (!match.AlreadyTagged)
        {
            foreach (var rule in rules)
            {
                NeedsTag |= Rules[rule].Tag;
            }
        }
    }

    /// <summary>The span of a match only repeats the failure of another.</summary>
    public void SetOrigin(int match, SpanId origin) => _matches[match].Origin = origin;

    /// <summary>
    /// Adds spans that no rule found and that only repeat a failure, at their places in the order of the bytes. What is
    /// beyond <see cref="MatchesMax"/> is left out.
    /// </summary>
    /// <param name="repeating">In the order of the bytes, with <see cref="SpanMatch.Origin"/> and without rules.</param>
    public void AddRepeating(ReadOnlySpan<SpanMatch> repeating)
    {
        var count = Math.Min(repeating.Length, MatchesMax - _matchCount);
        if (count <= 0)
        {
            return;
        }

        if (_matchCount + count > _matches.Length)
        {
            Array.Resize(ref _matches, Math.Max(_matches.Length * 2, _matchCount + count));
        }

        // Merged from behind, so that nothing is overwritten that is still to be moved.
        var from = _matchCount - 1;
        var next = count - 1;
        for (var to = _matchCount + count - 1; next >= 0; to--)
        {
            _matches[to] = from >= 0 && _matches[from].SpanTagOffset > repeating[next].SpanTagOffset ? _matches[from--] : repeating[next--];
        }

        _matchCount += count;
        NeedsTag = true;
    }

    internal readonly record struct Mark(int Items, int Errors, int TraceIds, int Matches, int RuleIndexes, int LeftOut, bool NeedsTag);
}
