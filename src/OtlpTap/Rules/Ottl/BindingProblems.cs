namespace OtlpTap.Rules.Ottl;

/// <summary>What is wrong with the names and types of a condition.</summary>
internal sealed class BindingProblems(List<OttlProblem> problems)
{
    public int Count => problems.Count;

    public void Wrong(int position, string message) => problems.Add(new OttlProblem(position, message));

    /// <summary>OTTL has it, and a rule cannot evaluate it.</summary>
    public void Unsupported(int position, string what) => problems.Add(new OttlProblem(position, $"Not supported in a rule: {what}.", Supported: false));
}
