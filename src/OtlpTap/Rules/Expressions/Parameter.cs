namespace OtlpTap.Rules.Expressions;

/// <param name="Name">As the reference spells it (<c>KeyPath</c>); a condition writes it <c>key_path</c>.</param>
internal readonly record struct Parameter(string Name, ParameterKind Kind, bool IsOptional = false)
{
    /// <summary>As a condition would write it: <c>key_path</c>, <c>utf8_safe</c>.</summary>
    public string ConditionName
    {
        get
        {
            var name = Name;
            return string.Concat(name.Select((c, i) =>
                (i > 0 && char.IsUpper(c) && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1]))) ? "_" : "") + char.ToLowerInvariant(c)));
        }
    }

    /// <summary>The name of an argument names the parameter whose name in camel case it becomes.</summary>
    public bool IsNamed(string argument) => CaseConversion.ToCamel(argument) == Name;
}
