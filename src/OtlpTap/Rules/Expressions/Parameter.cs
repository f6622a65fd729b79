namespace OtlpTap.Rules.Expressions;

/// <param name="Name">As the reference spells it (<c>KeyPath</c>); a condition writes it <c>key_path</c>.</param>
internal readonly record struct Parameter(string Name, ParameterKind Kind, bool IsOptional = false)
{
    /// <summary>As a condition would write it: <c>key_path</c>.</summary>
    public string ConditionName => CaseConversion.ToSnake(Name);

    /// <summary>The name of an argument names the parameter whose name in camel case it becomes.</summary>
    public bool IsNamed(string argument) => CaseConversion.ToCamel(argument) == Name;
}
