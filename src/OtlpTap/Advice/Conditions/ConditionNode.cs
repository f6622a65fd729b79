using OtlpTap.Health;

namespace OtlpTap.Advice.Conditions;

/// <summary>A part of a condition that is true or false.</summary>
internal abstract record ConditionNode
{
    public abstract bool Holds(ConditionReading values);
}

internal sealed record AndNode(ConditionNode Left, ConditionNode Right) : ConditionNode
{
    public override bool Holds(ConditionReading values) => Left.Holds(values) && Right.Holds(values);
}

internal sealed record OrNode(ConditionNode Left, ConditionNode Right) : ConditionNode
{
    public override bool Holds(ConditionReading values) => Left.Holds(values) || Right.Holds(values);
}

internal sealed record NotNode(ConditionNode Operand) : ConditionNode
{
    public override bool Holds(ConditionReading values) => !Operand.Holds(values);
}

internal enum ComparisonOperator : byte
{
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
}

/// <summary>False where a value is not known, also for <c>!=</c>.</summary>
internal sealed record ComparisonNode(ComparisonOperator Operator, Operand Left, Operand Right) : ConditionNode
{
    public override bool Holds(ConditionReading values)
    {
        var (left, right) = (Left.Read(values), Right.Read(values));
        return Operator switch
        {
            ComparisonOperator.Greater => left > right,
            ComparisonOperator.GreaterOrEqual => left >= right,
            ComparisonOperator.Less => left < right,
            ComparisonOperator.LessOrEqual => left <= right,
            ComparisonOperator.Equal => left == right,
            _ => left < right || left > right,
        };
    }
}

/// <summary>A number, or a value with a factor before it.</summary>
/// <param name="Value">Null: the factor is the number.</param>
internal readonly record struct Operand(double Factor, Unit Unit, HealthValue? Value = null)
{
    public bool IsValue => Value is not null;

    /// <summary>Not a number where the value is not known.</summary>
    public double Read(ConditionReading values) => Value is { } value ? Factor * values.Read(value) : Factor;
}
