namespace OtlpTap.Runs.Calls;

/// <summary>Calls of one id in the order in which they were asked; a hostile sender's thousands are passed once, not at each result.</summary>
internal sealed class CallsOfId(CallDraft first)
{
    private readonly List<CallDraft> _calls = [first];
    private int _withTool;
    private int _withResult;

    public CallDraft Last => _calls[^1];

    public void Add(CallDraft call) => _calls.Add(call);

    /// <summary>The call that a history tells again, or that the same answer names twice.</summary>
    public CallDraft? Known(RunStep? step, bool isTold) => isTold ? _calls[0] : Last.Step is null || Last.Step == step ? Last : null;

    public CallDraft? NextWithoutTool()
    {
        while (_withTool < _calls.Count && _calls[_withTool].Tool is not null)
        {
            _withTool++;
        }

        return _withTool < _calls.Count ? _calls[_withTool] : null;
    }

    public CallDraft? NextWithoutResult()
    {
        while (_withResult < _calls.Count && _calls[_withResult].HasTold)
        {
            _withResult++;
        }

        return _withResult < _calls.Count ? _calls[_withResult] : null;
    }
}
